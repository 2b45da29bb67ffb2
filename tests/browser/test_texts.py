"""The measure of overlapping texts, on a page whose faults are known."""

from playwright.sync_api import Browser

from tests.browser.texts import faults

PAGE = """<!doctype html><style>
body { font: 16px/20px sans-serif; margin: 0 }
.at { position: absolute; white-space: nowrap }
.narrow { width: 60px; white-space: nowrap }
</style>
<div id=good style="width: 500px">
  <p style="line-height: 1">Two lines of one text,<br>set closely, and <b>some of it</b> bold</p>
  <p style="display: none">hidden</p> <p style="opacity: 0">hidden, too</p>
  <details><summary>more</summary>what is folded away</details>
  <p style="position: absolute; width: 1px; height: 1px; overflow: hidden">for screen readers</p>
  <select><option>an option</option><option>another</option></select>
  <div class=narrow style="overflow: auto">scrolled to by those who want it</div>
  <div class=narrow style="overflow: hidden; text-overflow: ellipsis" title="all">cut, but named</div>
  <math><msub><mi>e</mi><mtext>image</mtext></msub><mo>=</mo><mn>1</mn></math>
  <svg width=200 height=40><text x=10 y=15>a title</text><text x=10 y=35>a label</text></svg>
</div>
<div id=bad style="position: relative; width: 300px; height: 200px">
  <span class=at style="top: 0; left: 0">first words</span>
  <span class=at style="top: 6px; left: 40px">second words</span>
  <div class="at narrow" style="top: 60px; overflow: hidden">cut by its box</div>
  <span class=at style="top: 90px; left: 260px">beyond the side</span>
  <svg class=at style="top: 120px; left: 0" width=100 height=60>
    <text x=0 y=20>legend</text><text x=20 y=24>title of it</text><text x=60 y=50>out of the picture</text>
  </svg>
</div>"""


def test_known_faults_are_found_and_nothing_else(browser: Browser):
    page = browser.new_page()
    page.set_content(PAGE)
    assert faults(page.locator("#good")) == []
    assert sorted(faults(page.locator("#bad"))) == [
        ("cut off", "cut by its box", ""),
        ("cut off", "out of the picture", ""),
        ("outside", "beyond the side", ""),
        ("overlap", "first words", "second words"),
        ("overlap", "legend", "title of it"),
    ]
    page.close()
