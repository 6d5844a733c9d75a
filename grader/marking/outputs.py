"""Cleaning what a cell showed, so that it can be opened safely anywhere."""

import msgspec

from commons.safe_html import PICTURES, SHOWN, clean_html

MOST_OUTPUTS = 2_000  #: of a notebook
CUT = "\n… output cut here: too long / sortie coupée ici : trop longue …\n"


class Output(msgspec.Struct, omit_defaults=True):
    """One output, as nbformat has it; ``kind`` is its ``output_type``."""

    kind: str
    name: str = ""
    text: str = ""
    data: dict[str, str] = {}
    ename: str = ""
    evalue: str = ""
    traceback: list[str] = []

    def as_nbformat(self) -> dict:
        """Return it as nbformat writes it."""
        if self.kind == "stream":
            return {"output_type": "stream", "name": self.name, "text": self.text}
        if self.kind == "error":
            return {
                "output_type": "error",
                "ename": self.ename,
                "evalue": self.evalue,
                "traceback": self.traceback,
            }
        output = {"output_type": self.kind, "data": self.data, "metadata": {}}
        return output | ({"execution_count": None} if self.kind == "execute_result" else {})


class Allowance:
    """What a notebook may show, over all of its cells.

    Args:
        most: bytes.
    """

    def __init__(self, most: int):
        self.bytes, self.outputs = most, MOST_OUTPUTS
        self.said = False  # whether the note that something was cut stands already

    def take(self, output: Output) -> Output | None:
        """Return an output that is still allowed, the note that what follows was cut, or None."""
        self.bytes -= len(msgspec.msgpack.encode(output)) + 50
        self.outputs -= 1
        if self.bytes > 0 and self.outputs > 0:
            return output
        if self.said:
            return None
        self.said = True
        return Output("stream", name="stdout", text=CUT)


def clean(outputs, allowance: Allowance) -> list[Output]:
    """Return outputs without anything alive: text, pictures, and HTML without scripts, handlers,
    links or outside addresses.

    To be called in a sealed process, since it parses.

    Args:
        outputs: what a process said its cell showed; anything at all.
        allowance: what the notebook may still show; what is beyond it is cut.
    """
    cleaned = []
    for each in outputs if isinstance(outputs, list) else []:
        if allowance.said:
            break
        made = _clean(each)
        kept = made and allowance.take(made)
        if kept:
            cleaned.append(kept)
    return cleaned


def _clean(each) -> Output | None:
    kind = each.get("output_type") if isinstance(each, dict) else None
    if kind == "stream":
        return Output(
            kind,
            name="stderr" if each.get("name") == "stderr" else "stdout",
            text=_text(each.get("text")),
        )
    if kind == "error":
        lines = each.get("traceback")
        return Output(
            kind,
            ename=_text(each.get("ename"))[:200],
            evalue=_text(each.get("evalue")),
            traceback=[_text(line) for line in lines] if isinstance(lines, list) else [],
        )
    if kind in ("display_data", "execute_result"):
        return Output(kind, data=_clean_data(each.get("data")))
    return None


def _clean_data(data) -> dict[str, str]:
    data = data if isinstance(data, dict) else {}
    kept = {kind: _text(data[kind]) for kind in ("text/plain", *PICTURES) if kind in data}
    if "text/html" in data:
        kept["text/html"] = clean_html(_text(data["text/html"]), SHOWN)
    return kept


def _text(value) -> str:
    text = (
        "".join(map(str, value))
        if isinstance(value, list)
        else str(value if value is not None else "")
    )
    return text.encode("utf-8", "replace").decode()
