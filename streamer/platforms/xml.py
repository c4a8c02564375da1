"""Foreign XML, and XML of ours: read without entities, external references or the network; found without prefixes.

A DOCTYPE that only names a DTD is let through (cXML has one); the DTD is never looked at, and one that declares
anything itself is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from streamer.errors import Malformed, Refused
from streamer.platforms.wire import Reply

Element = etree._Element  # lxml gives it no public name

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


def read_xml(body: bytes) -> Element:
    """The root element. Raises Malformed."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise Malformed(f"the XML cannot be read: {str(error)[:200]}") from error
    dtd: Any = root.getroottree().docinfo.internalDTD
    if dtd is not None and (next(dtd.iterentities(), None) is not None or next(dtd.iterelements(), None) is not None):
        raise Malformed("the XML declares entities or elements of its own, which is not accepted", field="DOCTYPE")
    return root


def local(element: Element) -> str:
    """The element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def child(element: Element, path: str) -> Element | None:
    """The first element under `path`, of local names with slashes between; namespaces do not matter."""
    found: Element | None = element
    for name in path.split("/"):
        found = next((inner for inner in found if local(inner) == name), None) if found is not None else None
    return found


def children(element: Element, path: str) -> Iterator[Element]:
    """Every element under `path`: all of the last name, below the first of each name before it."""
    above, _, name = path.rpartition("/")
    parent = child(element, above) if above else element
    return (inner for inner in parent if local(inner) == name) if parent is not None else iter(())


def descendants(element: Element, name: str) -> Iterator[Element]:
    """Every element of this local name, wherever it lies below."""
    return (inner for inner in element.iter() if local(inner) == name)


def text(element: Element, path: str = "") -> str | None:
    """The text of the element under `path` without space around it; None where it is missing or empty."""
    found = child(element, path) if path else element
    told = "".join(map(str, found.itertext())).strip() if found is not None else ""
    return told or None


def need(element: Element, path: str) -> str:
    """Like `text`; raises Malformed where there is none."""
    found = text(element, path)
    if found is None:
        raise Malformed("is missing", field=f"{local(element)}/{path}")
    return found


def attribute(element: Element, name: str, path: str = "") -> str | None:
    """An attribute of the element under `path`, whatever its namespace."""
    found = child(element, path) if path else element
    if found is None:
        return None
    return next((str(value) for key, value in found.attrib.items() if str(key).rpartition("}")[2] == name), None)


def read_answer(reply: Reply) -> Element:
    """The root element of an answer. Raises Unclear or Unavailable, as the request was unsafe or safe."""
    try:
        return read_xml(reply.body)
    except Malformed as error:
        raise reply.unreadable(f"cannot be read: {error}") from error


# --- writing ----------------------------------------------------------------------------------------------------------

Tree = Mapping[str, object]
"""Element -> text, tree, or list of either; `@name` is an attribute, `#` the element's own text."""


def write_xml(root: str, content: object, *, doctype: str = "") -> bytes:
    """A document of one root. What is None is left out, an empty text is an empty element; order is kept."""
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}'
    return (head + "".join(_write(root, content))).encode()


def _write(name: str, content: object) -> Iterator[str]:
    if content is None:
        return
    if isinstance(content, list | tuple):
        for one in content:
            yield from _write(name, one)
        return
    if not isinstance(content, Mapping):
        told = escape(str(content))
        yield f"<{name}>{told}</{name}>" if told else f"<{name}/>"
        return
    marks = "".join(
        f" {key[1:]}={quoteattr(str(value))}" for key, value in content.items() if key[0] == "@" and value is not None
    )
    inner = [escape(str(content["#"]))] if content.get("#") is not None else []
    for key, value in content.items():
        if key[0] not in "@#":
            inner += _write(key, value)
    yield f"<{name}{marks}>{''.join(inner)}</{name}>" if inner else f"<{name}{marks}/>"


# --- SOAP 1.1 ---------------------------------------------------------------------------------------------------------


def soap_envelope(body: Tree, header: Tree | None = None, *, namespaces: Mapping[str, str] | None = None) -> bytes:
    """A request. `namespaces`: prefix -> name, declared on the envelope."""
    marks = {f"@xmlns:{prefix}": name for prefix, name in (namespaces or {}).items()}
    content: dict[str, object] = {"@xmlns:soapenv": SOAP, **marks}
    content |= {"soapenv:Header": header if header is not None else "", "soapenv:Body": body}
    return write_xml("soapenv:Envelope", content)


def soap_body(root: Element) -> Element:
    """The first element in the body of an envelope, of any SOAP version.

    Raises Malformed, or Refused with what a fault says.
    """
    body = child(root, "Body") if local(root) == "Envelope" else None
    first = next(iter(body), None) if body is not None else None
    if first is None:
        raise Malformed("is no SOAP envelope with a body", field="Envelope/Body")
    if local(first) == "Fault":
        code = text(first, "faultcode") or text(first, "Code/Value") or ""
        said = text(first, "faultstring") or text(first, "Reason/Text") or "no reason"
        raise Refused(f"{code}: {said}"[:1000].removeprefix(": "))
    return first
