/* SPDX-License-Identifier: MIT */
/*
 * The lifelines: the data, which is what page.c writes, and where in time and
 * in which lane it belongs.  Drawn by report-draw.js, led by report-ui.js.
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
