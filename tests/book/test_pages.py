"""Every page of the web book, in a browser: loads, typeset, nothing missing, nothing cut off, accessible."""

import re

import pytest

from book.conftest import AXE, SITE

PAGES = sorted(str(path.relative_to(SITE)) for path in SITE.rglob("*.html")) or ["index.html"]
# the pages of the source code are all of one kind, so are those of the reference
READ = [
    page
    for page in PAGES
    if not page.startswith("_modules/") or page.endswith("theorems/reconstruction.html")
]
KINDS = [
    page
    for page in PAGES
    if not page.startswith(("_modules/", "api/"))
    or page.endswith(("api/index.html", "cnninv.model.html", "theorems.reconstruction.html"))
]

CUT_OFF = """() => {
  const width = document.documentElement.clientWidth;
  const found = document.documentElement.scrollWidth > width ? ["the page itself"] : [];
  for (const element of document.querySelectorAll("article *")) {
    const box = element.getBoundingClientRect();
    if (box.width === 0 || box.right <= width + 1) continue;
    let scrolls = false;
    for (let node = element; node && node.tagName !== "ARTICLE"; node = node.parentElement) {
      const style = getComputedStyle(node);
      scrolls ||= ["auto", "scroll", "hidden", "clip"].includes(style.overflowX) || style.clip !== "auto";
    }
    if (!scrolls) found.push(element.outerHTML.slice(0, 120));
  }
  return found;
}"""
PROSE = """() => {
  const copy = document.querySelector("article, .content, main").cloneNode(true);
  for (const part of copy.querySelectorAll("pre, code, script, style, .katex, .sig, .viewcode-block")) {
    part.remove();
  }
  return copy.textContent;
}"""
IMAGES = """async () => {
  const missing = [];
  for (const image of document.querySelectorAll("img")) {
    image.loading = "eager";
    try { await image.decode(); } catch { missing.push(image.src); }
    if (!image.naturalWidth || !image.alt.trim()) missing.push(image.src);
  }
  return missing;
}"""


@pytest.mark.parametrize("name", READ)
def test_page_loads_typeset_and_whole_on_a_phone(open_page, name):
    page = open_page(name, width=375)
    assert page.evaluate(IMAGES) == []
    assert page.locator(".katex-error, merror").count() == 0
    if not name.startswith("_modules/"):
        assert not re.findall(r".{0,30}(?:\$|\\[a-zA-Z]{2,}).{0,30}", page.evaluate(PROSE))
    assert page.evaluate(CUT_OFF) == []
    assert page.problems == []


# left out: formulas, which have the colour of their paragraph, and all but the first cells of code,
# which are alike; both have thousands of elements
VIOLATIONS = """async (options) => {
  document.querySelectorAll("details").forEach((part) => (part.open = true));
  [...document.querySelectorAll("div.cell_input")].slice(4).forEach((cell) => cell.classList.add("alike"));
  const result = await axe.run(
    { exclude: [[".katex"], [".alike"]] },
    { resultTypes: ["violations"], ...options },
  );
  return result.violations.flatMap((found) =>
    found.nodes.slice(0, 3).map((node) => `${found.id}: ${node.html.slice(0, 150)} ${node.failureSummary}`)
  );
}"""


@pytest.mark.parametrize("name", KINDS)
def test_page_passes_the_accessibility_checker_in_light_and_dark(open_page, name):
    page = open_page(name)
    page.add_script_tag(path=AXE)
    assert page.evaluate(VIOLATIONS, {}) == []
    page.emulate_media(color_scheme="dark")
    only = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
    assert page.evaluate(VIOLATIONS, only) == []


def test_search_finds_lemma_b3(open_page):
    page = open_page("search.html?q=Lemma+B.3")
    page.wait_for_selector("#search-results li a")
    page.wait_for_function("() => !document.querySelector('#search-progress')?.textContent.trim()")
    links = page.eval_on_selector_all(
        "#search-results li a", "found => found.map(link => link.href)"
    )
    found = [
        link for link in links if "05_the_reconstruction_bound" in link and "lemma-b-3" in link
    ]
    assert found, links[:10]
    page.goto(found[0])
    assert "identification" in page.locator("#lemma-b-3").inner_text()
    assert page.problems == []


def test_the_search_box_of_a_chapter_leads_to_results(open_page):
    page = open_page("chapters/01_convolution_as_a_matrix.html")
    page.fill(".sidebar-search", "model-RIP")
    page.press(".sidebar-search", "Enter")
    page.wait_for_selector("#search-results li a")


def test_answers_are_folded_and_unfold(open_page):
    page = open_page("chapters/03_sparsity_pooling_and_iht.html")
    answer = page.locator("article details:not(.uses)").first
    inner = answer.locator("p").first
    assert not inner.is_visible()
    answer.locator("summary").click()
    assert inner.is_visible()


def test_code_is_copied_as_it_would_be_typed(open_page):
    page = open_page("chapters/01_convolution_as_a_matrix.html")
    cell = page.locator("div.cell_input").first
    cell.hover()
    cell.locator("button.copybtn").click()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied.startswith("from functools import reduce\n")
    assert "import cnninv" in copied


def test_an_example_of_a_docstring_is_copied_without_prompts(open_page):
    page = open_page("api/cnninv.model.html")
    example = page.locator("div.highlight", has=page.locator("span.gp")).first
    example.hover()
    example.locator("button.copybtn").click()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied
    assert ">>>" not in copied


def test_dark_and_light_differ_and_can_be_chosen(open_page):
    colour = "() => getComputedStyle(document.querySelector('.content')).color"
    light, dark = (
        open_page("index.html", scheme=scheme).evaluate(colour) for scheme in ("light", "dark")
    )
    assert light != dark
    page = open_page("index.html")
    seen = set()
    for _ in range(3):
        page.locator(".theme-toggle-header, .content-icon-container .theme-toggle").last.click()
        seen.add(page.locator("body").get_attribute("data-theme"))
    assert seen == {"auto", "light", "dark"}


def test_lines_are_of_a_length_that_can_be_read(open_page):
    page = open_page("chapters/05_the_reconstruction_bound.html", width=1920)
    widths = page.eval_on_selector_all(
        "article section > p", "found => found.map(p => p.getBoundingClientRect().width)"
    )
    size = float(
        page.eval_on_selector("article p", "p => parseFloat(getComputedStyle(p).fontSize)")
    )
    # about 80 characters: half an em each
    assert max(widths) / size <= 46
