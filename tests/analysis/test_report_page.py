"""The report of a run: everything on it, nothing fetched, nothing unescaped."""

import json
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from spnet.analysis.preparation_html import Entry, take_apart, to_html
from spnet.analysis.report_page import ReportFiles, write_report
from spnet.errors import DataError

BAD = '<script>alert("&")</script>'
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
VOID = {"meta", "link", "img", "br", "hr", "input"}
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
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        self.open += [] if tag in VOID else [tag]
        self.ids += [attributes["id"]] if "id" in attributes else []
        if tag == "a":
            self.links.append(attributes["href"])
        else:
            self.addresses += [attributes[key] for key in ("src", "href", "srcset", "data") if key in attributes]
        self.without_scope += [tag] if tag == "th" and "scope" not in attributes else []
        self.without_alt += [tag] if tag == "img" and not attributes.get("alt") else []

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def run(tmp_path):
    """A run's results, as small as they can be."""
    folder = tmp_path / "results"
    texts = {
        "tables/table1.md": "# Table 1: Dice\n\n| Method | Average | paper |\n|---|---|---|\n"
        "| SPnet | **0.593(0.012)** | 0.587(0.031) |\n\n- Virtual scans.\n- Only here.\n",
        "significance.md": "# Significance\n\n| Method | p |\n|---|---|\n| LapIRN | 0.012 |\n",
        "claims.md": "# Claims\n\n| Claim | Verdict |\n|---|---|\n| best | confirmed |\n",
        "claims.csv": "claim,verdict\nbest,confirmed\nfast,confirmed\nnew,not tested\n",
        "cost.md": "# Cost\n\n| Method | Seconds |\n|---|---|\n| SPnet | 0.25 |\n",
        "preparation/brains.html": preparation(["odd", *(f"s{number}" for number in range(20))]),
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
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


def preparation(names, title="Brains"):
    values = {"affine_dice": 0.4, "correlation_with_target": 0.9, "label_fit": None}
    entries = [Entry(name, "test", values, {}, ["looks\nodd"] if name == "odd" else []) for name in names]
    return to_html(title, entries, {}, [], {name: "data:image/jpeg;base64,AAAA" for name in names})


def files_of(run):
    return ReportFiles(
        tables=[run / "tables" / "table1.md"],
        figures=[run / "figures" / "fig7.png"],
        preparation=[run / "preparation" / "brains.html"],
        trainings=sorted(run.glob("models/*/*/seed-*/history.csv")),
        significance=run / "significance.md",
        claims=run / "claims.md",
        cost=run / "cost.md",
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
    assert "script" not in page.tags
    assert "url(" not in text
    assert "@import" not in text
    assert not [link for link in page.links if ":" in link or link.startswith("/")]
    assert "preparation/brains.html" in page.links


def test_pictures_are_told_in_words_and_heads_of_tables_say_what_they_head(report):
    page = Page(report())
    assert page.without_alt == []
    assert page.without_scope == []


def test_the_paper_stays_beside_ours_and_the_best_bold_and_notes_of_the_run_stand_once(report):
    text = report()
    assert '<strong>0.593(0.012)</strong></td><td class="number paper">0.587(0.031)</td>' in text
    assert "<li>Only here.</li>" in text
    assert text.count("Virtual scans.") == 2  # above everything, and in the configuration


def test_figures_come_in_the_order_of_their_numbers(report, run):
    entry = CONFIG["figures"]["fig7"]
    for name in ("fig10", "fig9"):
        shutil.copy(run / "figures" / "fig7.png", run / "figures" / f"{name}.png")
    files = ReportFiles(figures=[run / "figures" / f"fig{number}.png" for number in (10, 7, 9)])
    page = Page(report(files, figures={f"fig{number}": entry for number in (10, 7, 9)}))
    assert [name for name in page.ids if name.startswith("fig") and name != "figures"] == ["fig7", "fig9", "fig10"]


def test_verdicts_are_counted(report):
    assert "<li><b>2</b>confirmed</li><li><b>1</b>not tested</li>" in report()


def test_trainings_are_told_with_what_they_took(report):
    text = report()
    assert ">1,234,567<" in text
    assert ">1.0<" in text  # 40 steps of 1.5 s
    assert ">-0.1<" in text


def test_a_large_cohort_shows_flagged_subjects_first_and_says_where_the_others_are(report):
    text = report()
    assert text.count('<div class="card') == 12 + 1  # the frame of the cards is one
    assert "<h5>odd</h5>" in text
    assert "9 more are on the dataset&#x27;s own page" in text


def test_a_page_of_preparation_is_taken_apart_into_what_it_was_made_of():
    found = take_apart(preparation(["odd", "s1"]))
    assert len(found.cards) == 2
    assert found.cards[0].startswith('<div class="card flagged">')
    assert "<h2>Summary</h2>" in found.summary
    assert "<h1>" not in found.summary
    assert take_apart("<html></html>") is None


def test_results_that_a_run_does_not_have_are_left_out(report, run):
    page = Page(report(ReportFiles(), significance=None, claims={}))
    assert [name for name in page.ids if name in SECTIONS] == ["experiments", "software", "configuration"]


def test_large_figures_become_small(report, run):
    noise = np.random.default_rng(0).integers(0, 255, (2400, 3000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(run / "figures" / "fig7.png")
    assert len(report()) < 6_000_000


def test_what_comes_from_files_and_configuration_is_escaped(report, run):
    for name in ("tables/table1.md", "significance.md", "claims.md", "cost.md"):
        (run / name).write_text(f"# {BAD}\n\n| {BAD} | b |\n|---|---|\n| {BAD} | **{BAD}** |\n\n- {BAD}\n\n{BAD}\n")
    (run / "claims.csv").write_text("verdict\n" + '"' + BAD.replace('"', '""') + '"\n')
    (run / "preparation/brains.html").write_text(preparation([BAD], title=BAD))
    config = json.loads(json.dumps(CONFIG).replace("Brains", "TITLE").replace("Fig. 7: Dice", "TITLE"))
    config = json.loads(json.dumps(config).replace("TITLE", json.dumps(BAD)[1:-1]))
    page = Page(report(**(config | {"run": BAD, "notes": [BAD]})))
    assert "script" not in page.tags
    assert page.open == []
    assert page.text.count(BAD) > 12


def test_two_writings_are_equal(report):
    assert report() == report()


RESULTS = ["tables/table1.md", "claims.csv", "figures/fig7.png", "preparation/brains.html"]
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
    done = subprocess.run([browser, *options, *log], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_a_browser_shows_it_without_complaint(report, run, tmp_path):
    report()
    shown, complaints = open_in_browser(run / "report.html", tmp_path / "profile")
    assert "Run tried" in shown
    assert not complaints
