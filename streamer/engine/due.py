"""When which row of a partition is to be woken: an index that can be taken back to where a chunk began."""

from __future__ import annotations

from heapq import heapify, heappop, heappush


class DueIndex:
    """Rows in order of (due, key). Entries of the heap that the dictionary does not confirm are stale and skipped."""

    def __init__(self) -> None:
        self._due_ms: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []
        self._before: dict[str, int | None] = {}  # as it was when the chunk began

    def __len__(self) -> int:
        return len(self._due_ms)

    def load(self, due_ms: dict[str, int]) -> None:
        self._due_ms = due_ms
        self._heap = [(due, key) for key, due in due_ms.items()]
        heapify(self._heap)

    def get(self, key: str) -> int | None:
        return self._due_ms.get(key)

    def set(self, key: str, due_ms: int | None) -> None:
        old = self._due_ms.get(key)
        if old == due_ms:
            return
        self._before.setdefault(key, old)
        self._put(key, due_ms)

    def pop(self, until_ms: int) -> str | None:
        """The first key that is due; it stays in the index until `set` changes it, but is not popped twice."""
        heap = self._heap
        while heap and heap[0][0] <= until_ms:
            due, key = heappop(heap)
            if self._due_ms.get(key) == due:
                return key
        return None

    def push_back(self, key: str) -> None:
        due = self._due_ms.get(key)
        if due is not None:
            heappush(self._heap, (due, key))

    def begin(self) -> None:
        self._before.clear()
        if len(self._heap) > 2 * len(self._due_ms) + 1000:
            self.load(self._due_ms)

    def restore(self) -> None:
        for key, due_ms in self._before.items():
            self._put(key, due_ms)
        self._before.clear()

    def _put(self, key: str, due_ms: int | None) -> None:
        if due_ms is None:
            self._due_ms.pop(key, None)
        else:
            self._due_ms[key] = due_ms
            heappush(self._heap, (due_ms, key))
