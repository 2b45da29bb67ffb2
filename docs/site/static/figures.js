// Figures drawn by plotly from the data in the page, when they come into view, in the page's colours; and what
// tells widgets whether the page is light or dark.
(() => {
  const here = document.currentScript.src;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let library = null;

  const isDark = () => {
    const chosen = document.body.dataset.theme;
    return chosen === "dark" || (chosen !== "light" && dark.matches);
  };

  function load() {
    library ??= new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = new URL("plotly.min.js", here);
      script.onload = () => done(window.Plotly);
      script.onerror = failed;
      document.head.append(script);
    });
    return library;
  }

  function colours() {
    const ink = getComputedStyle(document.body).color;
    const edge = isDark() ? "rgba(255,255,255,0.22)" : "rgba(0,0,0,0.16)";
    return { ink, edge };
  }

  function inColours(layout) {
    const { ink, edge } = colours();
    const clear = "rgba(0,0,0,0)";
    const themed = { ...layout, font: { ...layout.font, color: ink }, paper_bgcolor: clear, plot_bgcolor: clear };
    for (const name of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      themed[name] = { ...layout[name], gridcolor: edge, zerolinecolor: edge, linecolor: edge };
    }
    return themed;
  }

  async function draw(place) {
    const { data, layout, config } = JSON.parse(place.querySelector("script").textContent);
    const plotly = await load();
    const target = document.createElement("div");
    place.append(target);
    const { width, ...rest } = layout; // a phone is narrower
    target.style.maxWidth = width ? `${width}px` : "";
    await plotly.newPlot(target, data, inColours({ ...rest, autosize: true }), { ...config, responsive: true });
    place.redraw = () => plotly.relayout(target, inColours({ ...rest, autosize: true }));
    place.dataset.ready = "true";
  }

  const places = [...document.querySelectorAll(".mla-plot")];
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      draw(target);
    }
  }, { rootMargin: "400px" });

  function follow() {
    document.body.dataset.jpThemeLight = String(!isDark());
    places.forEach((place) => place.redraw?.());
  }

  follow();
  new MutationObserver(follow).observe(document.body, { attributeFilter: ["data-theme"] });
  dark.addEventListener("change", follow);
  places.forEach((place) => seen.observe(place));
})();
