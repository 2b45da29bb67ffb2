"""The bench in another language: chosen on the page, at once, and the run goes on."""

import re

from playwright.sync_api import expect

from tests.browser.bench import Bench
from tests.browser.lab_page import LabPage

HAN = re.compile("[\u4e00-\u9fff]")


def test_a_language_is_chosen_and_everything_speaks_it(lab_page: LabPage):
    bench = Bench.of_first_notebook(lab_page)
    page = lab_page.page
    bench.press("Step")
    bench.wait_for_text("sub-step 1 of")
    bench.open_settings()
    shown = page.locator(".mla-map canvas").count()

    bench.setting("Language").select_option("简体中文")
    expect(bench.status).to_contain_text("简体中文")
    expect(bench.status).to_contain_text("子步 1/510")
    for name in ("播放", "暂停", "单步"):
        expect(bench.button(name)).to_be_visible()
    titles = page.locator(".mla-bench .js-plotly-plot .annotation-text")
    expect(titles.first).to_have_text(HAN)
    # What scripts write is drawn anew, too: the moment's slider, and what filters the map.
    expect(page.locator(".mla-bench")).to_contain_text("时刻")
    expect(page.locator(".mla-map")).to_contain_text("模态")
    assert page.locator(".mla-map canvas").count() == shown

    bench.press("单步")
    expect(bench.status).to_contain_text("子步 2/510")
    page.get_by_label("语言", exact=True).select_option("English")
    bench.wait_for_text("sub-step 2 of 510")
    assert len(bench.trace("loss.image")) == 1
    assert lab_page.console_errors == []


def test_a_question_is_asked_in_it_and_kept_in_english(lab_page: LabPage):
    lab_page.open("01_alternating_training.ipynb")
    page = lab_page.page
    page.evaluate(
        """() => {
            const { model } = window.jupyterapp.shell.currentWidget.context;
            model.cells.get(1).sharedModel.setSource(
                "import mla_core as mla, widgets\\n"
                + "from mla_core.analysis import ranges\\n"
                + "mla.language.choose('zh')\\n"
                + "widgets.predict('Does fusion rescue more samples than it breaks?', "
                + "ranges([1, 5]), lambda: ('1 to 5', ''))");
        }"""
    )
    cell = lab_page.run_cell(1)
    expect(cell.locator("legend")).to_have_text("融合挽救的样本比它破坏的更多吗？")
    cell.get_by_label("1 至 5").check()
    cell.get_by_role("button", name="揭晓").click()
    expect(cell.get_by_role("status")).to_contain_text("1 至 5")
    kept = page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.context.model.cells.get(1)
            .getMetadata("mla_lab").guesses[0]"""
    )
    assert kept["question"] == "Does fusion rescue more samples than it breaks?"
    assert (kept["guess"], kept["answer"]) == ("1 to 5", "1 to 5")
    assert lab_page.console_errors == []
