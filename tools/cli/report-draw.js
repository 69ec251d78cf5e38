/* SPDX-License-Identifier: MIT */
/*
 * Draws the lifelines that report.js has arranged.  Whatever a journal holds
 * becomes text, never markup.
 */
"use strict";

function el(parent, name, attributes, text) {
	const e = document.createElementNS("http://www.w3.org/2000/svg", name);
	for (const key in attributes)
		e.setAttribute(key, attributes[key]);
	if (text !== undefined)
		e.textContent = text;
	parent.append(e);
	return e;
}

/* The highest and the last count in each pixel: all that can be seen. */
function steps() {
	const points = [[range[0], aliveAt(range[0]), aliveAt(range[0])]];
	let last = -1;
	for (const [t, n] of changes) {
		if (t <= range[0])
			continue;
		if (t > range[1])
			break;
		const px = Math.floor(x(t) * 2);
		const p = points[points.length - 1];
		if (px === last) {
			p[1] = Math.max(p[1], n);
			p[2] = n;
		} else {
			points.push([t, n, n]);
		}
		last = px;
	}
	return points;
}

function countTicks(most) {
	const raw = Math.max(1, most / 4), ten = 10 ** Math.floor(Math.log10(raw));
	const step = [1, 2, 5, 10].map(m => m * ten).find(s => s >= raw);
	const list = [];
	for (let n = 0; n <= most; n += step)
		list.push(n);
	return list;
}

function drawCount() {
	const svg = $("count"), points = steps();
	const most = Math.max(1, ...points.map(p => p[1]));
	const y = n => CHART - n / most * (CHART - 24);
	svg.replaceChildren();
	svg.setAttribute("viewBox", `0 0 ${width} ${CHART + AXIS}`);
	svg.setAttribute("height", CHART + AXIS);
	el(svg, "text", { x: 0, y: 26 }, "Alive at once");
	el(svg, "text", { x: 0, y: 43, class: "muted" },
	    `at most ${Math.max(...points.map(p => p[1]))} here`);
	for (const n of countTicks(most)) {
		el(svg, "line", { x1: GUTTER, x2: width - RIGHT, y1: y(n),
			y2: y(n), class: "grid" });
		el(svg, "text", { x: GUTTER - 8, y: y(n) + 4, class: "muted",
			"text-anchor": "end" }, n.toLocaleString());
	}
	let path = `M${GUTTER} ${y(points[0][1]).toFixed(1)}`;
	for (const [t, high, last] of points.slice(1)) {
		path += `H${x(t).toFixed(1)}V${y(high).toFixed(1)}`;
		if (last !== high)
			path += `V${y(last).toFixed(1)}`;
	}
	path += `H${width - RIGHT}`;
	el(svg, "path", { d: `${path}V${CHART}H${GUTTER}Z`, class: "area" });
	el(svg, "path", { d: path, class: "edge" });
	drawAxis(svg);
	drawNotes(svg);
	el(svg, "line", { class: "cross", y1: 0, y2: CHART, visibility: "hidden" });
	el(svg, "rect", { class: "brush", y: 0, height: CHART, width: 0 });
}

function drawAxis(svg) {
	let free = 0;	/* no label over another */
	for (const [t, text] of ticks()) {
		const half = text.length * 3.6;
		const at = Math.min(x(t), width - half);
		el(svg, "line", { x1: x(t), x2: x(t), y1: CHART, y2: CHART + 5,
			class: "grid" });
		if (at - half < free)
			continue;
		el(svg, "text", { x: at, y: CHART + 18, class: "muted",
			"text-anchor": "middle" }, text);
		free = at + half + 8;
	}
}

/*
 * What guards said of themselves stands above the chart: a stroke, and where
 * there is more to it than their coming and going, a mark.
 */
function drawNotes(svg) {
	const usual = new Set(["guard-start", "guard-end"]);
	const places = new Map();
	for (const note of data.notes) {
		if (note.t < range[0] || note.t > range[1])
			continue;
		const px = Math.round(x(note.t) / 9) * 9;
		places.set(px, [...places.get(px) ?? [], note]);
	}
	for (const [px, notes] of places) {
		const mark = el(svg, "path", { class: "note",
			d: notes.every(n => usual.has(n.e)) ?
			    `M${px - 1} 4h2v6h-2z` : `M${px - 5} 3h10l-5 9z` });
		mark.notes = notes;
	}
}

function drawLane(group, lane, top) {
	const label = el(group, "text", { x: 6, y: top + 16, class: "name" },
	    cut(lane.name, 31));
	el(label, "title", {}, lane.name);
	el(group, "text", { x: GUTTER - 8, y: top + 16, class: "muted",
		"text-anchor": "end" }, lane.lives.length.toLocaleString());
	const bar = lane.pitch > 8 ? 12 : lane.pitch - 1;
	const drawn = [];	/* per row, up to where, in which colour */
	for (const life of lane.lives) {
		if (life.b > range[1] || life.end < range[0])
			continue;
		const a = Math.max(GUTTER, x(life.b));
		const b = Math.min(width - RIGHT, Math.max(x(life.end), a + 2));
		const last = drawn[life.row];
		if (last && last[1] === life.f && b <= last[0] + 0.5)
			continue;	/* in a pixel that has it already */
		drawn[life.row] = [b, life.f];
		drawLife(group, lane, life, { a, b, bar,
			y: top + 5 + life.row * lane.pitch });
	}
}

function drawLife(group, lane, life, at) {
	const e = el(group, "rect", {
		class: `life ${life.f}${at.bar < 8 ? " slim" : ""}`,
		x: at.a.toFixed(1), y: at.y,
		width: Math.max(0, at.b - at.a - (at.b - at.a > 4 ? 1 : 0)).toFixed(1),
		height: at.bar, rx: at.bar > 8 ? 2 : 0,
		fill: `var(--${life.f})`, tabindex: -1, role: "img" });
	e.life = life;
	e.lane = lane;
	shown.push(e);
	if (life.doomed === undefined || at.bar < 7)
		return;
	const from = Math.max(at.a, x(life.doomed));
	if (at.b - from > 4)	/* from the verdict to the end */
		el(group, "rect", { class: "doomed", x: from.toFixed(1),
			y: at.y, height: at.bar,
			width: (at.b - from - 1).toFixed(1) });
}

function drawLanes() {
	const svg = $("lanes");
	let top = 0;
	svg.replaceChildren();
	shown = [];
	const ground = el(svg, "g", {}), front = el(svg, "g", {});
	for (const [i, lane] of lanes.entries()) {
		if (i % 2 === 0)
			el(ground, "rect", { x: 0, y: top, width,
				height: lane.height, class: "band" });
		drawLane(front, lane, top);
		top += lane.height;
	}
	for (const [t] of ticks())
		el(ground, "line", { x1: x(t), x2: x(t), y1: 0, y2: top,
			class: "grid" });
	svg.setAttribute("viewBox", `0 0 ${width} ${Math.max(1, top)}`);
	svg.setAttribute("height", top);
	el(svg, "rect", { class: "brush", y: 0, height: top, width: 0 });
	shown[0]?.setAttribute("tabindex", 0);
	$("none").hidden = lanes.length > 0;
}

function draw() {
	const began = performance.now();
	const root = document.documentElement.dataset;
	width = Math.max(480, $("all").clientWidth);
	letGo();
	drawCount();
	drawLanes();
	const [from, to] = range;
	const step = to - from < 10 ? 0 : 1;
	$("range").textContent = `${clock(from, step)} – ` +
	    `${clock(to, step)} (${duration(to - from)})`;
	root.lanes = lanes.length;
	root.shown = shown.length;
	root.ms = (performance.now() - began).toFixed(1);
}
