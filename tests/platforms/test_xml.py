"""XML of others is read without believing it anything; XML of ours says what was meant."""

from __future__ import annotations

import pytest

from streamer.errors import Malformed, Refused, Unclear
from streamer.platforms.wire import Reply
from streamer.platforms.xml import (
    attribute,
    children,
    descendants,
    need,
    read_answer,
    read_xml,
    soap_body,
    soap_envelope,
    text,
    write_xml,
)

ORDER = b"""<?xml version="1.0"?><o:order xmlns:o="urn:a" xmlns="urn:b" id="7"><!-- a note -->
<name> Nord &amp; Ring </name>
<lines><line no="1">A</line><line no="2">B</line></lines><empty/></o:order>"""


def test_elements_are_found_by_their_names_whatever_their_prefix() -> None:
    root = read_xml(ORDER)
    assert text(root, "name") == "Nord & Ring"
    assert [attribute(line, "no") for line in children(root, "lines/line")] == ["1", "2"]
    assert [text(line) for line in descendants(root, "line")] == ["A", "B"]
    assert attribute(root, "id") == "7"
    assert text(root, "empty") is None
    assert text(root, "nowhere/at/all") is None
    with pytest.raises(Malformed, match="order/customer"):
        need(root, "customer")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"no xml", b"<a><b></a>", b"<a>\x00</a>", b"\xff\xfe<a/>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>',
        b'<!DOCTYPE a [<!ELEMENT a ANY>]><a/>',
        b"<a>&undeclared;</a>",
        b"<a>" * 400 + b"</a>" * 400,
    ],
)  # fmt: skip
def test_what_is_broken_or_declares_anything_itself_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        read_xml(body)


def test_a_doctype_that_only_names_its_dtd_is_let_through_and_the_dtd_is_not_looked_at() -> None:
    body = b'<!DOCTYPE cXML SYSTEM "http://xml.cxml.org/schemas/cXML/1.2.040/cXML.dtd"><cXML payloadID="1"/>'
    assert attribute(read_xml(body), "payloadID") == "1"


def test_what_is_written_says_what_was_meant_whatever_stands_in_it() -> None:
    content = {
        "@id": 'a"b<', "name": "Nord & <Ring>", "none": None, "empty": "", "line": [{"@no": 1, "#": "A"}, "B"],
        "part": {"inner": {"deep": 3}},
    }  # fmt: skip
    written = write_xml("order", content)
    root = read_xml(written)
    assert text(root, "name") == "Nord & <Ring>"
    assert attribute(root, "id") == 'a"b<'
    assert [text(line) for line in children(root, "line")] == ["A", "B"]
    assert text(root, "part/inner/deep") == "3"
    assert b"<empty/>" in written
    assert b"none" not in written


def test_a_soap_fault_is_a_refusal_with_its_words() -> None:
    fault = soap_envelope({"soapenv:Fault": {"faultcode": "soapenv:Client", "faultstring": "no such part"}})
    with pytest.raises(Refused, match="no such part"):
        soap_body(read_xml(fault))
    answer = soap_envelope({"p:Answer": {"p:id": "7"}}, namespaces={"p": "urn:p"})
    assert text(soap_body(read_xml(answer)), "id") == "7"
    with pytest.raises(Malformed):
        soap_body(read_xml(b"<other/>"))


def test_an_answer_that_cannot_be_read_leaves_the_outcome_open() -> None:
    with pytest.raises(Unclear):
        read_answer(Reply(200, {}, b"<html><p>sorry", safe=False))
