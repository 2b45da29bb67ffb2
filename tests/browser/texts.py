"""Measures, on a page as it is drawn, which texts overlap, are cut off, or stand where they should not.

A text is what a person reads as one: a text node, a formula, or plotly's toolbar, which comes up
when the mouse is over its figure.
"""

from __future__ import annotations

from playwright.sync_api import Locator

MEASURE = r"""(root) => {
    const SLACK = 2; // pixels
    const SCROLLS = ["auto", "scroll"];
    const skipped = "script, style, noscript, select, option, .hoverlayer, [aria-hidden=true] > math";
    const shown = (e) => e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true });
    const box = (r) => ({ left: r.left, right: r.right, top: r.top, bottom: r.bottom });
    const meet = (a, b) => ({
        left: Math.max(a.left, b.left), right: Math.min(a.right, b.right),
        top: Math.max(a.top, b.top), bottom: Math.min(a.bottom, b.bottom),
    });
    const wide = (r) => r.right - r.left;
    const high = (r) => r.bottom - r.top;
    const over = (a, b, slack = SLACK) => {
        const both = meet(a, b);
        return wide(both) > slack && high(both) > slack;
    };
    // A line box has room above and below its letters, which may lie in the next line's.
    const letters = (r) => ({ ...box(r), top: r.top + 0.18 * (r.bottom - r.top),
                              bottom: r.bottom - 0.18 * (r.bottom - r.top) });

    const found = [];
    // What stays in view while the rest is scrolled lies over it, and hides it.
    const layer = (e) => {
        for (; e && e !== root; e = e.parentElement) {
            if (getComputedStyle(e).position === "sticky") return e;
        }
        return null;
    };
    const note = (what, one, other = "") => found.push([what, one.told, other.told ?? other]);
    const texts = [];
    const add = (element, rects, told) => {
        // What an ancestor cuts off: by scrolling it can be reached, by `hidden` it cannot.
        let [cut, seen] = [false, rects.map(letters)];
        for (let e = element; e && e !== root.parentElement; e = e.parentElement) {
            const { overflowX, overflowY, textOverflow } = getComputedStyle(e);
            if (overflowX === "visible" && overflowY === "visible") continue;
            const inside = box(e.getBoundingClientRect());
            if (wide(inside) <= SLACK || high(inside) <= SLACK) return; // for screen readers alone
            const named = textOverflow === "ellipsis" && e.title;
            const clipped = seen.map((r) => meet(r, inside));
            cut ||= !named && seen.some((r, i) =>
                (!SCROLLS.includes(overflowX) && wide(r) - wide(clipped[i]) > SLACK) ||
                (!SCROLLS.includes(overflowY) && high(r) - high(clipped[i]) > SLACK));
            seen = clipped.filter((r) => wide(r) > 0 && high(r) > 0);
            if (!seen.length) break;
        }
        const text = { element, layer: layer(element), told: told.trim().replace(/\s+/g, " ").slice(0, 60), seen };
        if (cut) note("cut off", text);
        if (seen.length) texts.push(text);
    };

    const walk = (node) => {
        if (node.nodeType === Node.TEXT_NODE) {
            if (!node.textContent.trim()) return;
            const range = document.createRange();
            range.selectNodeContents(node);
            const rects = [...range.getClientRects()].filter((r) => r.width && r.height);
            if (rects.length) add(node.parentElement, rects, node.textContent);
            return;
        }
        if (node.nodeType !== Node.ELEMENT_NODE || node.matches(skipped)) return;
        if (node.matches(".modebar")) {
            add(node.parentElement, [node.getBoundingClientRect()], "toolbar");
        } else if (!shown(node)) {
            return;
        } else if (node.matches("details:not([open])")) {
            node.querySelectorAll(":scope > summary").forEach(walk);
        } else if (node.localName === "math") {
            add(node, [node.getBoundingClientRect()], node.textContent);
        } else {
            node.childNodes.forEach(walk);
        }
    };
    walk(root);

    texts.forEach((a, i) => texts.slice(i + 1).forEach((b) => {
        if (a.layer === b.layer && a.seen.some((r) => b.seen.some((s) => over(r, s)))) note("overlap", a, b);
    }));
    const edge = box(root.getBoundingClientRect());
    for (const text of texts) {
        if (text.seen.some((r) => r.left < edge.left - SLACK || r.right > edge.right + SLACK)) {
            note("outside", text);
        }
    }
    // A tick's label belongs beside its own panel of a figure, not into another one.
    for (const figure of root.querySelectorAll(".js-plotly-plot")) {
        const { left, top } = figure.querySelector(".main-svg").getBoundingClientRect();
        const panels = Object.values(figure._fullLayout?._plots ?? {}).map(({ xaxis, yaxis }) => ({
            left: left + xaxis._offset, right: left + xaxis._offset + xaxis._length,
            top: top + yaxis._offset, bottom: top + yaxis._offset + yaxis._length,
        }));
        for (const text of texts) {
            if (figure.contains(text.element) && text.element.closest("[class*=tick]") &&
                panels.some((panel) => text.seen.some((r) => over(r, panel)))) {
                note("in a panel", text);
            }
        }
    }
    return found;
}"""


def faults(element: Locator) -> list[tuple[str, str, str]]:
    """Return what is wrong with the texts in an element: what, which text, and which other one.

    ``overlap``: two texts lie over each other; ``cut off``: a part can be reached by no scrolling;
    ``outside``: beyond the element's sides; ``in a panel``: a tick's label within a panel of a plotly
    figure. Letters may touch: only more than 2 pixels count.
    """
    found: list[list[str]] = element.evaluate(MEASURE)
    return [(what, one, other) for what, one, other in found]
