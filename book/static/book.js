// What scrolls sideways can be reached by keyboard; what does not is no stop on the way.
(() => {
  const wide = "pre, .table-wrapper, .math-wrapper, div.math";
  const names = { PRE: "Code", DIV: "Wide content" };
  const mark = () => {
    for (const element of document.querySelectorAll(wide)) {
      if (element.scrollWidth > element.clientWidth) {
        element.tabIndex = 0;
        element.setAttribute("role", "group");
        element.setAttribute("aria-label", names[element.tagName]);
      } else if (element.getAttribute("role") === "group") {
        for (const name of ["tabindex", "role", "aria-label"]) element.removeAttribute(name);
      }
    }
  };
  addEventListener("load", mark);
  addEventListener("resize", mark);
  // a link to a block or figure inside a folded answer unfolds it
  const unfold = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let node = target; node; node = node.parentElement) {
      if (node.tagName === "DETAILS") node.open = true;
    }
    if (target && target.closest("details")) target.scrollIntoView();
  };
  addEventListener("DOMContentLoaded", unfold);
  addEventListener("hashchange", unfold);
})();
