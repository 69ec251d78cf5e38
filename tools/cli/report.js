/* SPDX-License-Identifier: MIT */
/*
 * Draws the lifelines: the data of the page is what page.c writes.  Whatever
 * a journal holds becomes text, never markup.  What the reader does is in report-ui.js.
 */
"use strict";
const $ = id => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const GUTTER = 290, RIGHT = 14, CHART = 104, AXIS = 22, EVENTS_SHOWN = 9;
const fateText = Object.fromEntries(data.fates);
const hidden = new Set();
const full = widen(data.from, data.to);
let range = full, width = 0, lanes = [], shown = [], seen = [];
let changes = [];	/* [time, how many are alive from then on] */

/* --- Words ------------------------------------------------------------- */

/* What would not be seen, or would turn the text around. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;
const visible = s => String(s).replace(UNSEEN, c =>
	"\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));

/* A long command is told by its beginning and its end. */
function cut(s, max) {
	const c = Array.from(s);
	if (c.length <= max)
		return s;
	const head = Math.ceil((max - 1) * 0.55);
	return c.slice(0, head).join("") + "…" +
	    c.slice(c.length - (max - 1 - head)).join("");
}

const count = (n, one, many) => `${n.toLocaleString()} ${n === 1 ? one : many}`;

function duration(s) {
	if (s < 0.0005)
		return "0 ms";
	if (s < 1)
		return `${Math.round(s * 1000)} ms`;
	if (s < 60)
		return `${s < 10 ? s.toFixed(2) : s.toFixed(1)} s`;
	const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
	const i = units.findIndex(([, size]) => s >= size);
	const [[big, size], [small, part]] = [units[i], units[i + 1]];
	return `${Math.floor(s / size)} ${big} ` +
	    `${Math.floor(s % size / part)} ${small}`;
}

const two = n => String(n).padStart(2, "0");
function clock(t, step) {
	const d = new Date(t * 1000);
	const hm = `${two(d.getHours())}:${two(d.getMinutes())}`;
	if (step >= 60)
		return hm;
	const s = `${hm}:${two(d.getSeconds())}`;
	return step >= 1 ? s :
	    `${s}.${String(d.getMilliseconds()).padStart(3, "0")}`;
}
const day = t => new Date(t * 1000).toLocaleDateString(undefined,
	{ day: "numeric", month: "short" });
const date = t => new Date(t * 1000).toLocaleDateString("sv");

function hostName(h) {
	const host = data.hosts[h];
	return host ? `${visible(host.comm ?? "?")}[${host.pid}]` : "?";
}

/* --- Time -------------------------------------------------------------- */

function widen(from, to) {
	if (!(from <= to))
		return [0, 1];
	const pad = Math.max((to - from) * 0.01, from === to ? 0.5 : 0.0005);
	return [from - pad, to + pad];
}

const inner = () => Math.max(50, width - GUTTER - RIGHT);
const x = t => GUTTER + (t - range[0]) / (range[1] - range[0]) * inner();
const timeAt = px => range[0] +
    Math.min(1, Math.max(0, (px - GUTTER) / inner())) * (range[1] - range[0]);

function ticks() {
	const steps = [.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10,
		15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600,
		43200];
	const least = (range[1] - range[0]) / (inner() / 90);
	const step = steps.find(s => s >= least) ??
	    86400 * Math.ceil(least / 86400);
	const zone = new Date(range[0] * 1000).getTimezoneOffset() * 60;
	const list = [];
	for (let k = Math.ceil((range[0] - zone) / step);
	    k * step + zone <= range[1] && list.length < 200; k++) {
		const t = k * step + zone;
		const midnight = Math.round(t - zone) % 86400 === 0;
		list.push([t, step >= 60 && midnight ? day(t) : clock(t, step)]);
	}
	return list;
}

function show(from, to) {
	const least = 0.002, most = full[1] - full[0];
	const len = Math.min(most, Math.max(least, to - from));
	from = (from + to - len) / 2;
	from = Math.min(full[1] - len, Math.max(full[0], from));
	range = [from, from + len];
	draw();
}
function zoom(by, at = (range[0] + range[1]) / 2) {
	show(at - (at - range[0]) * by, at + (range[1] - at) * by);
}
function pan(part) {
	const d = (range[1] - range[0]) * part;
	show(range[0] + d, range[1] + d);
}

/* --- Model ------------------------------------------------------------- */

data.lives.sort((a, b) => a.b - b.b);
for (const life of data.lives) {
	life.end = life.d ?? data.to;
	life.cmd = visible(life.cmd);
	life.name = visible(life.name ?? life.cmd);
	life.host = hostName(life.h);
	life.text = `${life.cmd} ${life.host} ${life.pid}`.toLowerCase();
	life.doomed = life.ev.find(e => e.e === "verdict")?.t;
}

/* Puts lives that overlap into rows of their own. */
function pack(lane) {
	const ends = [];
	for (const life of lane.lives) {
		let row = ends.findIndex(end => end <= life.b);
		if (row < 0)
			row = ends.length;
		ends[row] = Math.max(life.end, life.b + 1e-6);
		life.row = row;
	}
	lane.rows = ends.length;
	lane.pitch = lane.rows <= 12 ? 15 : lane.rows <= 24 ? 10 :
	    lane.rows <= 48 ? 6 : 4;
	lane.height = Math.max(24, lane.rows * lane.pitch + 9);
}

function arrange() {
	const key = $("by").value, words = $("find").value.toLowerCase().trim();
	const map = new Map();
	seen = data.lives.filter(l => !hidden.has(l.f) && l.text.includes(words));
	for (const life of seen) {
		const lane = map.get(life[key]);
		if (lane)
			lane.lives.push(life);
		else
			map.set(life[key], { name: life[key], lives: [life] });
	}
	lanes = [...map.values()].sort((a, b) =>
	    b.lives.length - a.lives.length || a.lives[0].b - b.lives[0].b);
	lanes.forEach(pack);
	changes = [];
	for (const life of seen) {
		changes.push([life.b, 1]);
		if (life.d !== undefined)
			changes.push([life.d, -1]);
	}
	changes.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
	let alive = 0;
	for (const change of changes)
		change[1] = alive += change[1];
}
/* How many were alive at T. */
function aliveAt(t) {
	let low = 0, high = changes.length;
	while (low < high) {
		const mid = (low + high) >> 1;
		if (changes[mid][0] <= t)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? changes[low - 1][1] : 0;
}

/* --- Drawing ----------------------------------------------------------- */

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
	const e = el(group, "rect", { class: `life ${life.f}`, x: at.a.toFixed(1), y: at.y,
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
