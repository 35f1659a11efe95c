"""The project's Markdown as HTML: structure kept, everything else text."""

from spnet.analysis.markdown import markdown_to_html

TABLE = """
# Table 1: Dice

| Method | Average | paper | Remark |
|---|---|---|---|
| SPnet | **0.593(0.012)** | 0.587(0.031) | good |
| affine only | .348(.010) | - | a \\| b |

- mean(std) over pairs
  of subjects.
- `x < y`
"""


def test_a_table_has_heads_of_rows_and_columns_bold_and_numbers():
    html = markdown_to_html(TABLE, top=3)
    assert "<h3>Table 1: Dice</h3>" in html
    assert '<th scope="col">Method</th><th scope="col" class="number">Average</th>' in html
    assert '<th scope="col" class="number paper">paper</th>' in html
    assert '<th scope="row">SPnet</th><td class="number"><strong>0.593(0.012)</strong></td>' in html
    assert '<td class="number paper">-</td><td>a | b</td>' in html
    assert "<li>mean(std) over pairs of subjects.</li><li><code>x &lt; y</code></li>" in html
    assert "---" not in html


def test_what_looks_like_markup_is_text():
    html = markdown_to_html('# <b>\n\n<script>&\n\n| <i> | "x" |\n|---|---|\n| `<u>` | **<s>** |\n')
    for tag in ("<b>", "<script>", "<i>", "<u>", "<s>"):
        assert tag not in html
    assert "<strong>&lt;s&gt;</strong>" in html
    assert "<p>&lt;script&gt;&amp;</p>" in html


def test_rows_shorter_and_longer_than_the_head_are_kept():
    html = markdown_to_html("| a | b |\n|---|---|\n| 1 |\n| 1 | 2 | three |\n")
    assert '<th scope="row">1</th></tr>' in html
    assert "<td>three</td>" in html


def test_headings_never_go_below_the_sixth_level():
    assert markdown_to_html("#### deep", top=4) == "<h6>deep</h6>"


def test_nothing_gives_nothing():
    assert markdown_to_html("\n\n") == ""
