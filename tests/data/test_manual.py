"""The manual's page on scans quotes what the code says."""

import re


def test_every_message_that_the_manual_explains_is_one_that_the_code_has(repository):
    page = (repository / "config" / "SCANS.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[0] for line in page.splitlines() if line.startswith("| `")]
    quoted = [text for row in rows for text in re.findall("`([^`]+)`", row)]
    sources = "".join(path.read_text(encoding="utf-8") for path in sorted((repository / "spnet").rglob("*.py")))
    said = re.sub(r'"\s*\n\s*f?"', "", sources)  # literals over several lines
    assert len(quoted) > 40
    assert [text for text in quoted if text not in said] == []
