/* SPDX-License-Identifier: MIT */
/*
 * What the reader of the page does: pointing, choosing, zooming, by mouse and
 * by keyboard.  Goes with report.js, which draws.
 */
"use strict";

/* --- What is told ------------------------------------------------------ */

const tip = $("tip");
let focused = null;	/* the life that has the focus, told of till it goes */

function add(parent, name, text) {
	const e = document.createElement(name);
	if (text !== undefined)
		e.textContent = text;
	parent.append(e);
	return e;
}

/* Puts CONTENT near (X, Y), where there is room; null hides it. */
function tell(content, px, py) {
	tip.hidden = !content;
	if (!content)
		return;
	tip.replaceChildren(content);
	const { width: w, height: h } = tip.getBoundingClientRect();
	tip.style.left = `${Math.max(4, Math.min(px + 14, innerWidth - w - 8))}px`;
	tip.style.top = `${Math.max(4,
	    py + 18 + h > innerHeight ? py - h - 12 : py + 18)}px`;
}

const signed = s => s < 0 ? `−${duration(-s)}` : `+${duration(s)}`;

function eventText(e, pid) {
	const to = e.p && e.p !== pid ? ` to process ${e.p}` : "";
	return visible((e.s && e.e === "signal" ? `SIG${e.s}${to}` :
	    e.s ? `${e.e} (${e.s})` : e.e) +
	    (e.r ? `: ${e.r}` : "") + (e.x ? `: ${e.x}` : ""));
}

/* All but what is in the head of the tip; the same reason is said once. */
function eventRows(life) {
	let reason;
	return life.ev.filter(e => e.e !== "ward").map(e => {
		const r = e.r === reason ? undefined : e.r;
		reason = e.r ?? reason;
		return [signed(e.t - life.b), eventText({ ...e, r }, life.pid)];
	});
}

function lifeTip(life) {
	const box = document.createDocumentFragment();
	add(box, "code", cut(life.cmd, 360));
	add(box, "p", `PID ${life.pid}` + (life.ch ? `, ${visible(life.ch)}` : "") +
	    `, of ${life.host}`);
	add(box, "p", `${date(life.b)} ${clock(life.b, 0)}, lived ` +
	    `${duration(life.end - life.b)}: ${fateText[life.f]}`);
	const rows = eventRows(life), table = add(box, "table");
	for (const row of rows.slice(0, EVENTS_SHOWN)) {
		const tr = add(table, "tr");
		row.forEach(text => add(tr, "td", text));
	}
	const more = Math.max(0, rows.length - EVENTS_SHOWN) + (life.more ?? 0);
	if (more)
		add(box, "p", `and ${count(more, "event", "events")} more`);
	return box;
}

function notesTip(notes) {
	const box = document.createDocumentFragment(), table = add(box, "table");
	for (const note of notes.slice(0, EVENTS_SHOWN)) {
		const tr = add(table, "tr");
		add(tr, "td", clock(note.t, 0));
		add(tr, "td", eventText(note) +
		    (note.h === undefined ? "" : ` (${hostName(note.h)})`));
	}
	if (notes.length > EVENTS_SHOWN)
		add(box, "p", `and ${notes.length - EVENTS_SHOWN} more`);
	return box;
}

function tellFocused() {
	if (!focused)
		return tell(null);
	const box = focused.getBoundingClientRect();
	tell(lifeTip(focused.life), box.left, box.bottom - 12);
}

function letGo() {
	focused = null;
	tell(null);
}

/* --- Pointing ---------------------------------------------------------- */

const place = e => e.clientX - $("all").getBoundingClientRect().left;

function cross(px) {
	const line = document.querySelector(".cross");
	line.setAttribute("visibility", px === null ? "hidden" : "visible");
	line.setAttribute("x1", px ?? 0);
	line.setAttribute("x2", px ?? 0);
}

function point(e) {
	const px = place(e), t = timeAt(px);
	cross(px < GUTTER || px > width - RIGHT ? null : px);
	if (e.target.life)
		tell(lifeTip(e.target.life), e.clientX, e.clientY);
	else if (e.target.notes)
		tell(notesTip(e.target.notes), e.clientX, e.clientY);
	else if (e.currentTarget.id === "count" && px >= GUTTER)
		tell(document.createTextNode(`${date(t)} ${clock(t, 0)}: ` +
		    `${aliveAt(t).toLocaleString()} alive`),
		    e.clientX, e.clientY);
	else
		tellFocused();
}

/* A drag chooses a time range. */
let drag = null;

function brush(from, to) {
	for (const r of document.querySelectorAll(".brush")) {
		r.setAttribute("x", Math.min(from, to));
		r.setAttribute("width", Math.abs(to - from));
	}
}

for (const svg of [$("count"), $("lanes")]) {
	svg.addEventListener("pointerdown", e => {
		if (e.button === 0 && place(e) >= GUTTER)
			drag = { from: place(e), svg, id: e.pointerId };
	});
	svg.addEventListener("pointermove", e => {
		if (!drag)
			return point(e);
		if (Math.abs(place(e) - drag.from) > 4) {
			svg.setPointerCapture(drag.id);
			tell(null);
			brush(drag.from, Math.max(GUTTER, place(e)));
		}
	});
	svg.addEventListener("pointerup", e => {
		const from = drag?.from, to = place(e);
		drag = null;
		brush(0, 0);
		if (from !== undefined && Math.abs(to - from) > 4)
			show(timeAt(Math.min(from, to)), timeAt(Math.max(from, to)));
	});
	svg.addEventListener("pointercancel", () => {
		drag = null;
		brush(0, 0);
	});
	svg.addEventListener("pointerleave", () => {
		cross(null);
		tellFocused();
	});
	svg.addEventListener("dblclick", () => show(...full));
	svg.addEventListener("wheel", e => {
		if (!e.ctrlKey && !e.metaKey)
			return;	/* the page scrolls */
		e.preventDefault();
		zoom(e.deltaY > 0 ? 1.25 : 0.8, timeAt(place(e)));
	}, { passive: false });
}

/* --- Keys -------------------------------------------------------------- */

$("lanes").addEventListener("focusin", e => {
	if (!e.target.life)
		return;
	document.querySelector(".life[tabindex='0']")?.setAttribute("tabindex", -1);
	focused = e.target;
	focused.setAttribute("tabindex", 0);
	focused.setAttribute("aria-label", lifeTip(focused.life).textContent);
	focused.scrollIntoView({ block: "nearest" });
	tellFocused();
});
$("lanes").addEventListener("focusout", letGo);

/* The nearest in time among the lives of the lane STEP lanes away. */
function across(from, step) {
	const lane = lanes[lanes.indexOf(from.lane) + step];
	const near = e => Math.abs(e.life.b - from.life.b);
	return shown.filter(e => e.lane === lane)
	    .reduce((a, b) => a && near(a) <= near(b) ? a : b, undefined);
}

function neighbour(key) {
	const at = shown.indexOf(focused);
	switch (key) {
	case "ArrowLeft": return shown[at - 1];
	case "ArrowRight": return shown[at + 1];
	case "ArrowUp": return across(focused, -1);
	case "ArrowDown": return across(focused, 1);
	case "Home": return shown[0];
	case "End": return shown[shown.length - 1];
	}
}

addEventListener("keydown", e => {
	if (e.target.matches("input, select") || e.ctrlKey || e.altKey || e.metaKey)
		return;
	const to = focused && neighbour(e.key);
	if (to)
		to.focus();
	else if (e.key === "Escape")
		tell(null);
	else if (e.key === "+" || e.key === "=")
		zoom(0.5);
	else if (e.key === "-")
		zoom(2);
	else if (e.key === "0")
		show(...full);
	else
		return;
	e.preventDefault();
});

/* --- Choosing ---------------------------------------------------------- */

function redo() {
	arrange();
	draw();
}

function legend() {
	for (const [fate, text] of data.fates) {
		const n = data.lives.filter(l => l.f === fate).length;
		if (!n)
			continue;
		const button = add($("legend"), "button");
		add(button, "i").style.background = `var(--${fate})`;
		button.append(text, " ");
		add(button, "b", n.toLocaleString());
		button.setAttribute("aria-pressed", true);
		button.addEventListener("click", () => {
			const on = hidden.delete(fate);
			if (!on)
				hidden.add(fate);
			button.setAttribute("aria-pressed", on);
			redo();
		});
	}
}

function about() {
	const n = data.lives.length;
	const hosts = new Set(data.lives.map(l => l.h)).size;
	const name = visible(data.journal ?? "journal");
	$("title").textContent =
	    `Lifelines of ${count(n, "stdio child", "stdio children")}`;
	document.title = `${name.replace(/.*\//, "")}: lifelines`;
	const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
	$("about").textContent = [name,
		data.from <= data.to ? `${date(data.from)} ${clock(data.from, 1)} ` +
		    `– ${date(data.from) === date(data.to) ? "" : date(data.to) + " "}` +
		    `${clock(data.to, 1)} (${duration(data.to - data.from)}, ` +
		    `${zone})` : "empty",
		n && count(hosts, "host", "hosts"),
		data.strange && `${count(data.strange, "line", "lines")} left out`,
	].filter(Boolean).join(" · ");
}

function begin() {
	const distinct = key => new Set(data.lives.map(l => l[key])).size;
	if (distinct("cmd") > 60)	/* each with arguments of its own */
		$("by").value = "name";
	about();
	if (!data.lives.length) {
		$("empty").hidden = false;
		return;
	}
	legend();
	$("all").hidden = false;
	$("by").addEventListener("change", redo);
	$("find").addEventListener("input", redo);
	$("left").addEventListener("click", () => pan(-0.5));
	$("right").addEventListener("click", () => pan(0.5));
	$("in").addEventListener("click", () => zoom(0.5));
	$("out").addEventListener("click", () => zoom(2));
	$("full").addEventListener("click", () => show(...full));
	redo();
	addEventListener("resize", draw);
}
begin();
