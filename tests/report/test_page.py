"""The report of a run: everything on it, nothing fetched, nothing unescaped."""

import json
import shutil
import subprocess
from dataclasses import asdict
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from spnet.errors import DataError
from spnet.report.document import NUMBER, TEXT, VERDICT, Cell, Column, Document, Table, plain_table, write_document
from spnet.report.page import ReportFiles, write_report
from spnet.report.preparation import Preparation, Subject

BAD = '<script>alert("&")</script>'
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
VOID = {"wbr", "meta", "link", "img", "br", "hr", "input"}
CONFIG = {
    "run": "tried",
    "notes": ["Virtual scans."],
    "seeds": [0],
    "evaluate_on": "test",
    "datasets": {"brains": {"title": "Brains"}},
    "methods": {"identity": {"title": "affine only"}, "lapirn": {"title": "LapIRN"}, "spnet": {"title": "SPnet"}},
    "experiments": {
        "brains": {"dataset": "brains", "trained_on": "brains", "methods": ["identity", "lapirn", "spnet"]}
    },
    "tables": {"table1": {"title": "Table 1: Dice", "experiments": ["brains"]}},
    "figures": {"fig7": {"title": "Fig. 7: Dice", "kind": "dice_boxplot", "experiments": ["brains"]}},
    "significance": {"experiments": ["brains"]},
    "claims": {"best": {"text": "SPnet is best"}},
}
SECTIONS = ["experiments", "tables", "significance", "claims", "figures", "cost", "training", "preparation"]
SECTIONS += ["software", "configuration"]


class Page(HTMLParser):
    """What a browser would find: open tags, identifiers, addresses and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.addresses, self.links, self.tags, self.text = [], [], [], [], [], ""
        self.without_scope, self.without_alt = [], []
        # Texts of the cells by the row's name, of all rows of that name; and what stands out in them.
        self.rows, self.best, self.row = {}, [], None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        self.open += [] if tag in VOID else [tag]
        if tag == "th" and attributes.get("scope") == "row":
            self.row = ""
        if tag == "td" and self.row is not None:
            self.rows.setdefault(self.row, []).append("")
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag == "a":
            self.links.append(attributes["href"])
        else:
            self.addresses += [attributes[key] for key in ("src", "href", "srcset", "data") if key in attributes]
        self.without_scope += [tag] if tag == "th" and "scope" not in attributes else []
        self.without_alt += [tag] if tag == "img" and not attributes.get("alt") else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag == "tr":
            self.row = None

    def handle_data(self, data):
        self.text += data
        if "strong" in self.open:
            self.best.append(data) if self.open[-1] != "small" else self.best.append(self.best.pop() + data)
        if "td" in self.open and self.row is not None:
            self.rows[self.row][-1] += data
        elif self.open[-1:] == ["th"] and self.row is not None:
            self.row += data


DICE = Column("Average", quantity="Dice", paper=True)
SPNET = Cell("0.593(0.012)", True, 0.593, "0.587(0.031)", "+0.006", 0.19)
LAPIRN = Cell("0.400(0.012)", False, 0.4, "0.545(0.015)", "-0.145", -9.67)
CLAIMS = [["SPnet is best", "reproduced"], ["fast", "reproduced"], ["new", "not tested"]]


def documents(text=""):
    """What the results say, each with `text` where there is any."""
    rows = [[Cell("SPnet" + text), SPNET], [Cell("LapIRN"), LAPIRN]]
    table = Table([Column("Method" + text, kind=TEXT), DICE], rows)
    claims = [[Cell(claim), Cell(verdict + text)] for claim, verdict in CLAIMS]
    claims = Table([Column("Claim", kind=TEXT), Column("Verdict", kind=VERDICT)], claims, "Claims" + text)
    p = plain_table("brains: Dice" + text, {"Method": TEXT, "p": NUMBER}, [["LapIRN", "0.012" + text]])
    return {
        "tables/table1": Document("Table 1: Dice" + text, [table], ["Virtual scans.", "Only here." + text]),
        "significance": Document("Significance", [p], ["Note" + text]),
        "claims": Document("Claims", [claims], points=["Point" + text]),
        "cost": Document("Cost", [plain_table("", {"Method": TEXT}, [["SPnet"]])], paragraphs=["Hours" + text]),
    }


@pytest.fixture
def run(tmp_path):
    """A run's results, as small as they can be."""
    folder = tmp_path / "results"
    for name, document in documents().items():
        write_document(document, {"json": folder / f"{name}.json"})
    write_preparation(folder, ["odd", *(f"s{number}" for number in range(20))])
    (folder / "figures").mkdir()
    Image.new("RGB", (4000, 300), "navy").save(folder / "figures" / "fig7.png")
    for method, stages in (("spnet", ["all"] * 40), ("lapirn", ["coarse"] * 20 + ["fine"] * 20)):
        model = folder / "models" / "brains" / method / "seed-0"
        model.mkdir(parents=True)
        history = pd.DataFrame({"stage": stages, "step": range(1, 41), "loss": np.linspace(-0.1, -0.5, 40)})
        history.assign(seconds=1.5).to_csv(model / "history.csv", index=False)
        record = {"device": "cpu", "outcome": {"trainable_parameters": 1234567, "times_resumed": 2}}
        (model / "run.yaml").write_text(yaml.safe_dump(record))
    return folder


def write_preparation(run, names, title="Brains"):
    values = {"affine_dice": 0.4, "correlation_with_target": 0.9, "label_fit": None}
    subjects = [Subject(name, "test", values, ["looks\nodd"] if name == "odd" else []) for name in names]
    for subject in subjects[:12]:
        path = run / "preprocessed" / subject.name / "qc.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 10), "navy").save(path)
    (run / "preparation").mkdir(exist_ok=True)
    preparation = Preparation(title, "../preprocessed", subjects, {}, [])
    (run / "preparation" / "brains.json").write_text(json.dumps(asdict(preparation)))


def files_of(run):
    return ReportFiles(
        tables=[run / "tables" / "table1.json"],
        figures=[run / "figures" / "fig7.png"],
        preparation=[run / "preparation" / "brains.json"],
        trainings=sorted(run.glob("models/*/*/seed-*/history.csv")),
        significance=run / "significance.json",
        claims=run / "claims.json",
        cost=run / "cost.json",
    )


@pytest.fixture
def report(run):
    """Function that writes the report and returns its text."""

    def write(files=None, **changes):
        write_report(CONFIG | changes, files or files_of(run), run / "report.html")
        return (run / "report.html").read_text(encoding="utf-8")

    return write


def test_every_result_has_its_section_and_every_entry_of_the_contents_leads_somewhere(report):
    page = Page(report())
    assert page.open == []
    assert [name for name in page.ids if name in SECTIONS] == SECTIONS
    assert {"table1", "fig7", "preparation-brains"} <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    anchors = [link[1:] for link in page.links if link.startswith("#")]
    assert set(anchors) <= set(page.ids)
    assert set(SECTIONS) <= set(anchors)


def test_nothing_is_fetched_and_the_files_named_are_those_of_the_run(report, run):
    text = report()
    page = Page(text)
    assert page.addresses
    assert all(address.startswith("data:") for address in page.addresses), page.addresses
    assert page.tags.count("script") == 1
    assert "url(" not in text
    assert "@import" not in text
    assert not [link for link in page.links if ":" in link or link.startswith("/")]
    assert "preparation/brains.html" in page.links


def test_pictures_are_told_in_words_and_heads_of_tables_say_what_they_head(report):
    page = Page(report())
    assert page.without_alt == []
    assert page.without_scope == []


def test_the_first_lines_name_the_flagged_scans(report):
    first = report().partition('<section id="overview">')[2].partition("</section>")[0]
    assert "Brains: 1 of 21 prepared scans are flagged, odd (test)" in first


def test_the_paper_stays_below_ours_and_the_best_bold_and_notes_of_the_run_stand_once(report):
    text = report()
    page = Page(text)
    assert page.rows["LapIRN"][0] == "0.400(0.012)0.545(0.015) -0.145 ▼"
    assert "0.593(0.012)0.587(0.031) +0.006" in page.rows["SPnet"]
    assert page.best == ["0.593(0.012)"]
    assert "<li>Only here.</li>" in text
    assert text.count("Virtual scans.") == 2  # above everything, and in the configuration


def test_a_difference_is_a_colour_a_sign_and_a_mark_and_the_value_sorts(report):
    text = report()
    assert '<td class="number worse" data-value="0.4" style="--strength: 6">' in text
    assert '<td class="number within" data-value="0.593" style="--strength: 0.19">' in text


def test_figures_come_in_the_order_of_their_numbers(report, run):
    entry = CONFIG["figures"]["fig7"]
    for name in ("fig10", "fig9"):
        shutil.copy(run / "figures" / "fig7.png", run / "figures" / f"{name}.png")
    files = ReportFiles(figures=[run / "figures" / f"fig{number}.png" for number in (10, 7, 9)])
    page = Page(report(files, figures={f"fig{number}": entry for number in (10, 7, 9)}))
    assert [name for name in page.ids if name.startswith("fig") and name != "figures"] == ["fig7", "fig9", "fig10"]


def test_verdicts_are_counted(report):
    text = report()
    assert '<b>2</b> reproduced</a></li><li class="verdict not-tested"' in text
    assert '<span class="verdict reproduced">reproduced</span>' in text
    assert "1 of 3 claims are not tested" in Page(text).text


def test_trainings_are_told_with_what_they_took(report):
    text = report()
    assert ">1,234,567<" in text
    assert ">1.0<" in text  # 40 steps of 1.5 s
    assert ">-0.1<" in text


def test_a_large_cohort_shows_flagged_subjects_first_and_says_where_the_others_are(report):
    text = report()
    assert text.count('<div class="card') == 12 + 1  # the frame of the cards is one
    assert "<h5>odd</h5>" in text
    assert "9 more are on the dataset&#39;s own page" in text


def test_results_that_a_run_does_not_have_are_left_out(report, run):
    page = Page(report(ReportFiles(), significance=None, claims={}))
    assert [name for name in page.ids if name in SECTIONS] == ["experiments", "software", "configuration"]


def test_large_figures_become_small(report, run):
    noise = np.random.default_rng(0).integers(0, 255, (2400, 3000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(run / "figures" / "fig7.png")
    assert len(report()) < 6_000_000


def test_what_comes_from_files_and_configuration_is_escaped(report, run):
    for name, document in documents(BAD).items():
        write_document(document, {"json": run / f"{name}.json"})
    write_preparation(run, ["odd"], title=BAD)
    config = json.loads(json.dumps(CONFIG).replace("Brains", "TITLE").replace("Fig. 7: Dice", "TITLE"))
    config = json.loads(json.dumps(config).replace("TITLE", json.dumps(BAD)[1:-1]))
    page = Page(report(**(config | {"run": BAD, "notes": [BAD]})))
    assert page.tags.count("script") == 1
    assert page.open == []
    assert page.text.count(BAD) > 12


def test_names_in_backticks_are_code_and_nothing_in_them_is_markup(report, run):
    write_document(Document("Cost", [], ["As `a<b>` says."]), {"json": run / "cost.json"})
    assert "<li>As <code>a&lt;b&gt;</code> says.</li>" in report()


def test_two_writings_are_equal(report):
    assert report() == report()


RESULTS = ["tables/table1.json", "claims.json", "figures/fig7.png", "preparation/brains.json"]
RESULTS += ["preprocessed/odd/qc.png"]
RESULTS += ["models/brains/spnet/seed-0/history.csv", "models/brains/spnet/seed-0/run.yaml"]


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_missing_or_damaged_result_is_named_with_what_to_do(report, run, name, content):
    path, files = run / name, files_of(run)
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"run again"):
        report(files)
    assert not (run / "report.html").exists()


def open_in_browser(path, profile):
    """The page as a browser has it, and what the browser complains about."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("no browser to open the page with")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"]
    log = ["--enable-logging=stderr", "--log-level=0", "--dump-dom", path.as_uri()]
    done = subprocess.run([browser, *options, *log], capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


ACTIONS = """<script>
const heads = document.querySelectorAll("#table1 thead button");
const order = () => [...document.querySelectorAll("#table1 tbody tr")].map((row) => row.cells[0].textContent).join();
const seen = [order()];
for (const head of [heads[1], heads[1], heads[1], heads[0]]) { head.click(); seen.push(order()); }
document.querySelector("#fig7 img").click();
const opened = document.querySelector("dialog").open;
document.querySelector("dialog").click();
document.title = [...seen, opened, document.querySelector("dialog").open].join(" ");
</script></body>"""


def test_columns_sort_and_figures_enlarge_on_a_click(report, run, tmp_path):
    page = run / "report.html"
    page.write_text(report().replace("</body>", ACTIONS), encoding="utf-8")
    shown, complaints = open_in_browser(page, tmp_path / "profile")
    written, turned = "SPnet,LapIRN", "LapIRN,SPnet"
    # By the mean from the highest, turned round, as written, by name; then the figure is open, and closed.
    assert f"<title>{written} {written} {turned} {written} {turned} true false</title>" in shown
    assert not complaints


def test_a_browser_shows_it_without_complaint(report, run, tmp_path):
    report()
    shown, complaints = open_in_browser(run / "report.html", tmp_path / "profile")
    assert "Run tried" in shown
    assert not complaints
