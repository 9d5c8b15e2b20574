// Drawings: the similarity on the curves of strangers and of one person, and where the time went.

import { h, s } from './dom.js';
import { number, oneIn, percent, plain } from './words.js';

const FROM = -0.2;
const TO = 1;
const DECADES = 9;
const HEIGHT = 250;
const EDGE = { top: 30, right: 14, bottom: 40, left: 58 };

let table = null;

/** How alike strangers are, and pictures of one person, as it was measured; null where the service does not tell. */
async function calibration() {
  table ??= fetch('pages/calibration.json', { cache: 'no-cache' }).then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
  return table;
}

/** The points of the curve that lie in the figure, the measured ones and those beyond. */
function curves({ points, tail }) {
  const measured = points.map((point) => [point.similarity, Math.log10(point.fmr)]);
  const last = measured.at(-1);
  const before = measured.findLastIndex(([x]) => x < FROM);
  const inside = measured.slice(Math.max(0, before));
  if (inside[0][0] < FROM && inside[1]) {
    const [[x0, y0], [x1, y1]] = inside;
    inside[0] = [FROM, y0 + ((FROM - x0) / (x1 - x0)) * (y1 - y0)];
  }
  const lowest = Math.min(TO, last[0] + (last[1] + DECADES) / tail.decades_per_unit);
  return { inside, beyond: [last, [lowest, last[1] - (lowest - last[0]) * tail.decades_per_unit]] };
}

/** The points of the curve of one person, as far down as it was measured; null where it was not. */
function matedCurve({ mated }) {
  return mated ? mated.points.map((point) => [Math.min(point.similarity, TO), Math.log10(point.fnmr)]) : null;
}

/** How usual a similarity is for one person, in words; null where nobody knows. */
function ownWords(data, similarity) {
  const points = data?.mated?.points;
  if (!points) return null;
  const above = points.findIndex((point) => point.similarity > similarity);
  const told = (share) => `Of pictures of the same person, ${share} are less alike than this.`;
  if (above === 0) return told(`fewer than ${percent(points[0].fnmr)}`);
  if (above < 0) return told('nearly all');
  const [low, high] = [points[above - 1], points[above]];
  const part = (similarity - low.similarity) / (high.similarity - low.similarity);
  return told(percent(low.fnmr * (high.fnmr / low.fnmr) ** part));
}

function axes(width) {
  const x = (value) => EDGE.left + ((value - FROM) / (TO - FROM)) * (width - EDGE.left - EDGE.right);
  const y = (decades) => EDGE.top + (-decades / DECADES) * (HEIGHT - EDGE.top - EDGE.bottom);
  return { x, y };
}

function scale(width, { x, y }) {
  const floor = y(-DECADES);
  const rows = [[0, 'all'], [-3, '1 in 10³'], [-6, '1 in 10⁶'], [-9, '1 in 10⁹']].map(([decades, label]) => [
    s('line', { class: 'grid', x1: EDGE.left, x2: width - EDGE.right, y1: y(decades), y2: y(decades) }),
    s('text', { x: EDGE.left - 8, y: y(decades) + 4, 'text-anchor': 'end' }, label),
  ]);
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1].map((value) => s('text', { x: x(value), y: floor + 18, 'text-anchor': 'middle' }, String(value)));
  const name = s('text', { x: (EDGE.left + width - EDGE.right) / 2, y: floor + 36, 'text-anchor': 'middle' }, 'similarity of two faces');
  return [rows, ticks, name];
}

function line(points, { x, y }) {
  return points.map(([a, b], index) => `${index ? 'L' : 'M'}${x(a).toFixed(1)} ${y(Math.max(b, -DECADES)).toFixed(1)}`).join('');
}

function draw(width, match, data) {
  const axis = axes(width);
  const { x, y } = axis;
  const floor = y(-DECADES);
  const { approve, review } = match.thresholds;
  const at = Math.max(FROM, Math.min(TO, match.similarity));
  const upright = (kind, value) => s('line', { class: kind, x1: x(value), x2: x(value), y1: EDGE.top, y2: floor });
  const curve = data && curves(data);
  const whole = curve && [...curve.inside, curve.beyond[1]];
  const area = whole && `${line(whole, axis)}L${x(whole.at(-1)[0])} ${floor}L${x(whole[0][0])} ${floor}Z`;
  const anchor = at > 0.8 ? 'end' : 'start';
  const height = Math.max(-DECADES, Math.min(0, Math.log10(match.fmr_estimate)));
  const mated = data && matedCurve(data);
  // On a phone the curves leave no room for their names; the key has them.
  const isWide = width >= 480;
  return s('svg', { class: 'chart', viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: 'img', 'aria-label': caption(match, data) },
    scale(width, axis),
    area && s('path', { class: 'area', d: area }),
    mated && s('path', { class: 'curve genuine', d: line(mated, axis) }),
    isWide && curve && s('text', { class: 'of-strangers', x: x(FROM) + 6, y: y(-2.4) }, 'strangers'),
    isWide && mated && s('text', { class: 'of-own', x: x(TO) - 10, y: y(-2.4), 'text-anchor': 'end' }, 'the same person'),
    curve && s('path', { class: 'curve', d: line(curve.inside, axis) }),
    curve && s('path', { class: 'curve beyond', d: line(curve.beyond, axis) }),
    review.similarity <= TO && upright('review', review.similarity),
    approve.similarity <= TO && upright('approve', approve.similarity),
    upright('score-line', at),
    s('circle', { class: 'score-dot', cx: x(at), cy: y(height), r: 7 }),
    s('text', { class: 'strong', x: x(at) + (anchor === 'end' ? 4 : -4), y: EDGE.top - 10, 'text-anchor': anchor }, `this pair ${number(match.similarity)}`));
}

function caption(match, data) {
  const { approve, review } = match.thresholds;
  return [
    `Similarity ${number(match.similarity)}. A human looks from ${number(review.similarity)} on, and it passes from ${number(approve.similarity)} on.`,
    `Two strangers look at least this alike ${oneIn(match.fmr_estimate)}.`, data && ownWords(data, match.similarity),
  ].filter(Boolean).join(' ');
}

/** The similarity of a face match where strangers and one person lie, with the thresholds; drawn anew when its room changes. */
export function similarityFigure(match) {
  const place = h('div', { class: 'figure' });
  const own = h('p', { hidden: true });
  const key = (kind, text) => h('li', {}, h('i', { class: kind, 'aria-hidden': 'true' }), text);
  const ownKey = key('genuine', 'the same person: the share of pairs less alike');
  ownKey.hidden = true;
  const { approve, review } = match.thresholds;
  calibration().then((data) => {
    own.textContent = ownWords(data, match.similarity) ?? '';
    own.hidden = !own.textContent;
    ownKey.hidden = own.hidden;
    let drawn = 0;
    const redraw = () => {
      const width = Math.max(260, Math.round(place.clientWidth));
      if (width === drawn || place.clientWidth === 0) return;
      drawn = width;
      place.replaceChildren(draw(width, match, data));
    };
    // Drawn in the next frame: to draw while sizes are told would tell of another size.
    new ResizeObserver(() => requestAnimationFrame(redraw)).observe(place);
    redraw();
  });
  return h('div', { class: 'stack' }, own, place, h('ul', { class: 'key' },
    key('', 'strangers: the share of pairs at least this alike; broken where it is extrapolated'), ownKey,
    key('review', `human from ${number(review.similarity)}: strangers get there ${oneIn(review.target_fmr)}`),
    key('approve', `pass from ${number(approve.similarity)}: ${oneIn(approve.target_fmr)}`),
    key('here', 'this pair')));
}

/** Where the time went, each stage beside the whole. */
export function timingBars(timings) {
  const longest = Math.max(...Object.values(timings), 1);
  const rows = Object.entries(timings).map(([name, milliseconds]) => {
    const fill = h('span', {});
    fill.style.width = `${(100 * milliseconds) / longest}%`;
    return [
      h('dt', {}, plain(name)),
      h('dd', { class: name === 'total' ? 'bar total' : 'bar', 'aria-hidden': 'true' }, fill),
      h('dd', {}, `${new Intl.NumberFormat('en', { maximumFractionDigits: milliseconds < 10 ? 1 : 0 }).format(milliseconds)} ms`),
    ];
  });
  return h('dl', { class: 'bars' }, rows);
}
