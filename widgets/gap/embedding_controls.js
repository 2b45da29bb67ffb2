// The explorer's buttons, lists and check boxes. Each writes one trait and follows it.

class Controls {
  constructor(explorer) {
    this.explorer = explorer;
    if (explorer.story.alone) return;
    this.buildBar(explorer);
    this.buildOptions(explorer);
  }

  buildBar(explorer) {
    const { story, root } = explorer;
    const bar = make("div", root, { class: "bar" });
    this.play = make("button", bar, { type: "button", class: "play" });
    explorer.on(this.play, "click", () => explorer.set("playing", !explorer.get("playing")));
    this.slider = make("input", bar, {
      type: "range", min: 0, max: story.T - 1, step: 1, "aria-label": story.axis.name,
    });
    explorer.on(this.slider, "input", () => {
      explorer.set("playing", false);
      explorer.set("look", Number(this.slider.value));
    });
    this.play.disabled = this.slider.disabled = story.T < 2;
    this.where = make("span", bar, { class: "where" });
    this.choice(bar, tr("Speed"), [[30, tr("slow")], [10, tr("normal")], [4, tr("fast")]], "speed", Number);
    if (story.axes.length > 1) this.choice(bar, tr("Slide along"), story.axes, "axis");
    this.note = make("p", root, { class: "note" });
  }

  buildOptions(explorer) {
    const { story, root } = explorer;
    const options = make("div", root, { class: "options" });
    this.views = this.choice(options, tr("View"), [], "map");
    explorer.follow("map", () => this.offerMaps());
    this.offerColours(options);
    this.check(options, tr("Trails"), "trails");
    if (!explorer.calm.matches) this.check(options, tr("Glide"), "smooth");
    const groups = [["wrong", tr("all that are fused wrongly")]];
    const offer = (key, told) => (name, i) => groups.push([`${key} ${i}`, told(name)]);
    story.modalities.forEach(offer("has", (name) => tr("all that have {name}", { name })));
    story.modalities.forEach(offer("miss", (name) => tr("all that {name} gets wrong", { name })));
    story.classes.forEach(offer("class", (name) => tr("class {name}", { name })));
    const group = make("select", make("label", options, {}, `${tr("Samples")} `));
    for (const [value, text] of groups) make("option", group, { value }, text);
    for (const [word, adds] of [[tr("Select"), false], [tr("Add"), true]]) {
      const button = make("button", options, { type: "button" }, word);
      explorer.on(button, "click", () => explorer.select(explorer.groupOf(group.value), adds));
    }
    const clear = make("button", options, { type: "button" }, tr("Clear"));
    explorer.on(clear, "click", () => explorer.set("selected", []));
  }

  offerColours(parent) {
    const colours = [
      ["class", tr("class")], ["modality", tr("modality")], ["correctness", tr("right or wrong")],
    ];
    this.choice(parent, tr("Colour"), colours, "colour");
  }

  // The legend of the map, which is its filter, too.
  buildFilters(parent) {
    const { story } = this.explorer;
    const modalities = story.modalities.map((name, m) => ({
      name, glyph: story.glyphs[m], colour: story.colours[m],
    }));
    const classes = story.classes.map((name, c) => ({
      name, glyph: "⬤", colour: story.class_colours[c % story.class_colours.length],
    }));
    const box = make("div", parent, { class: "filters" });
    this.filter(box, tr("Modalities"), modalities, "hidden_modalities");
    this.filter(box, tr("Classes"), classes, "hidden_classes");
  }

  offerMaps() {
    const { story } = this.explorer;
    if (!this.views) return;
    this.views.textContent = "";
    for (const [value, map] of Object.entries(story.maps)) {
      make("option", this.views, { value }, map.title);
    }
    this.views.value = this.explorer.mapName;
  }

  choice(parent, title, entries, trait, read = String) {
    const { explorer } = this;
    const select = make("select", make("label", parent, {}, `${title} `), { "data-trait": trait });
    for (const [value, text] of entries) make("option", select, { value }, text);
    explorer.on(select, "change", () => explorer.set(trait, read(select.value)));
    explorer.follow(trait, () => (select.value = explorer.get(trait)));
    return select;
  }

  check(parent, title, trait) {
    const { explorer } = this;
    const label = make("label", parent);
    const input = make("input", label, { type: "checkbox" });
    make("span", label, {}, ` ${title}`);
    explorer.on(input, "change", () => explorer.set(trait, input.checked));
    explorer.follow(trait, () => (input.checked = explorer.get(trait)));
  }

  filter(parent, title, entries, trait) {
    const { explorer } = this;
    const box = make("fieldset", parent);
    make("legend", box, {}, title);
    const inputs = entries.map(({ name, glyph, colour }) => {
      const label = make("label", box);
      const input = make("input", label, { type: "checkbox" });
      make("span", label, { "aria-hidden": "true", class: "mark" }, glyph).style.color = colour;
      make("span", label, {}, name);
      return input;
    });
    const tell = () => explorer.set(trait, inputs.flatMap((input, i) => (input.checked ? [] : [i])));
    inputs.forEach((input) => explorer.on(input, "change", tell));
    if (entries.length > 3) {
      for (const [word, checked] of [[tr("all"), true], [tr("none"), false]]) {
        const label = tr("{word}: {title}", { word, title });
        const button = make("button", box, { type: "button", "aria-label": label }, word);
        explorer.on(button, "click", () => {
          inputs.forEach((input) => Object.assign(input, { checked }));
          tell();
        });
      }
    }
    explorer.follow(trait, () => {
      inputs.forEach((input, i) => (input.checked = !explorer.get(trait).includes(i)));
    });
  }

  update(look, where) {
    if (!this.play) return;
    const playing = this.explorer.get("playing");
    this.play.textContent = playing ? `❚❚ ${tr("Pause")}` : `▶ ${tr("Play")}`;
    this.slider.value = look;
    this.slider.setAttribute("aria-valuetext", where);
    this.where.textContent = where;
    this.note.textContent = this.explorer.get("note") || this.explorer.found || "";
  }
}
