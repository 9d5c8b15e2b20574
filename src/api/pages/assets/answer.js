// The answer of a check, as a person wants it. The demo and the console show the same.

import { documentCard } from './document.js';
import { badge, h, s, table } from './dom.js';
import { similarityFigure, timingBars } from './figures.js';
import { crop } from './pictures.js';
import { CHECKS, COMPONENTS, DECISIONS, SEVERITIES, number, oneIn, plain, reasonText, result, when } from './words.js';

const SIGNS = {
  good: 'M15 27l8 8 15-17', doubt: 'M26 15v15M26 36.500v.5', bad: 'M18 18l16 16M34 18l-16 16',
};

function sign(kind) {
  return s('svg', { viewBox: '0 0 52 52', 'aria-hidden': 'true', fill: 'none', stroke: 'currentColor', 'stroke-width': 4, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' },
    s('circle', { cx: 26, cy: 26, r: 23, 'stroke-width': 3 }), s('path', { d: SIGNS[kind] }));
}

function reasonList(reasons) {
  if (!reasons.length) return null;
  return h('ul', { class: 'reasons', 'aria-label': 'Reasons' }, reasons.map((reason) =>
    h('li', {}, badge(...(SEVERITIES[reason.severity] ?? ['', reason.severity])), h('span', {}, reasonText(reason.code)))));
}

function verdict(answer) {
  const decided = DECISIONS[answer.decision] ?? { kind: 'doubt', word: plain(answer.decision), sentence: '' };
  const isOver = answer.reviews.length > 0;
  return h('section', { class: `card verdict ${decided.kind}`, 'aria-labelledby': 'verdict' }, sign(decided.kind),
    h('div', { class: 'stack' },
      h('div', { class: 'stack tight' }, h('h2', { id: 'verdict', 'data-decision': answer.decision }, decided.word), h('p', { class: 'muted' }, decided.sentence)),
      reasonList(answer.reasons),
      isOver && h('p', {}, 'A human has decided: ', badge(DECISIONS[answer.final_decision].kind, DECISIONS[answer.final_decision].word))));
}

function portrait(picture, label) {
  const place = h('figure', {}, h('canvas', { width: 320, height: 400, 'aria-hidden': 'true' }), h('figcaption', {}, label));
  crop(picture.blob, picture.box, label).then((canvas) => place.firstChild.replaceWith(canvas), () => place.remove());
  return place;
}

function likeness(match, pictures) {
  const score = h('div', { class: 'score' }, h('b', {}, number(match.similarity)), h('span', { class: 'small muted' }, 'similarity'), badge(...result(match.result)));
  return h('section', { class: 'card stack', 'aria-labelledby': 'likeness' },
    h('h2', { id: 'likeness' }, 'How alike the faces are'),
    h('div', { class: 'pair' },
      pictures?.selfie && portrait(pictures.selfie, 'The face'), score, pictures?.document && portrait(pictures.document, 'The document')),
    h('p', {}, `Two strangers look at least this alike ${oneIn(match.fmr_estimate)}${match.extrapolated ? ', by extrapolation: no data reach that far' : ''}.`),
    similarityFigure(match));
}

const PICTURES = { selfie: 'The face', document: 'The portrait' };

/** What is too poor, `selfie.pose_yaw` for example, and what would do. */
function shortfall(check, failed) {
  const [picture, component] = failed.split('.');
  const { value, at_least: least, at_most: most } = check[picture].components[component];
  const measure = COMPONENTS[component] ?? { name: plain(component).toLowerCase(), unit: '' };
  const told = (amount) => `${number(amount, 0)}${measure.unit}`;
  const range = (most ?? null) === null ? `at least ${told(least)}` : `${told(least)} to ${told(most)}`;
  return `${PICTURES[picture] ?? plain(picture)}: ${measure.name} is ${told(value)}; without a human it takes ${range}.`;
}

const EXPLAINED = {
  face_match: (check) => {
    const { approve, review } = check.thresholds;
    const at = `Similarity ${number(check.similarity)}`;
    if (check.result === 'pass') return `${at}; ${number(approve.similarity)} is needed.`;
    if (check.result === 'review') return `${at}; it lies between ${number(review.similarity)} and ${number(approve.similarity)}.`;
    return `${at}; even a human's look needs ${number(review.similarity)}.`;
  },
  liveness: (check) => {
    const score = number(check.score, 2);
    return check.method === 'challenge'
      ? `The person followed a challenge. Its best picture by itself scores ${score}.`
      : `One picture was judged, without a challenge; that proves little. Score ${score}, at least ${number(check.threshold, 2)} is needed.`;
  },
  quality: (check) => {
    if (check.failed.length) return check.failed.map((failed) => shortfall(check, failed));
    const eyes = (part) => `${Math.round(part.inter_eye_distance)} pixels between the eyes`;
    return `Face: ${eyes(check.selfie)}. Portrait: ${eyes(check.document)}.`;
  },
  document: (check) => `${plain(check.reason)}.`,
  watchlist: (check) => {
    if (check.reason) return `${plain(check.reason)}.`;
    const faces = check.searched.reduce((sum, list) => sum + list.size, 0);
    const lists = check.searched.length === 1 ? 'One list' : `${check.searched.length} lists`;
    return `${lists} with ${faces} ${faces === 1 ? 'face' : 'faces'} searched; ${check.hits.length || 'nobody'} found.`;
  },
};

function checkList(checks, reasons) {
  const rows = Object.entries(checks).map(([name, check]) => {
    const found = reasons.filter((reason) => reason.check === name).map((reason) => reasonText(reason.code));
    const explained = EXPLAINED[name]?.(check) ?? check.reason ?? '';
    return h('li', { 'data-check': name }, h('h3', {}, CHECKS[name] ?? plain(name)),
      h('div', { class: 'why stack tight' }, [explained].flat().map((text) => h('p', {}, text)), found.map((text) => h('p', { class: 'small muted' }, text))),
      h('div', {}, badge(...result(check.result))));
  });
  return h('section', { class: 'card stack', 'aria-labelledby': 'checks' }, h('h2', { id: 'checks' }, 'Each check'), h('ul', { class: 'checks' }, rows));
}

function alarms(count) {
  if (count === null || count === undefined) return '–';
  return count < 0.001 ? 'under 0.001' : String(Number(count.toPrecision(2)));
}

/** Everybody whom a search found. `lists` tells lists' names by their ids. */
export function hitTable(hits, lists) {
  return table(['Person', 'List', 'Similarity', 'False alarms to expect', 'Band'],
    h('tbody', {}, hits.map((hit) => h('tr', {},
      h('td', { 'data-label': 'Person' }, hit.display_name ?? hit.external_id ?? hit.subject_id),
      h('td', { 'data-label': 'List' }, lists?.get(hit.watchlist_id)?.name ?? hit.watchlist_id),
      h('td', { 'data-label': 'Similarity' }, number(hit.similarity)),
      h('td', { 'data-label': 'False alarms to expect' }, alarms(hit.expected_false_alarms)),
      h('td', { 'data-label': 'Band' }, hit.band === 'hit' ? badge('bad', 'Hit') : badge('doubt', 'Possible'))))), { class: 'cards' });
}

function hitCard(check, lists) {
  if (!check.searched.length) return null;
  return h('section', { class: 'card stack', 'aria-labelledby': 'hits' }, h('h2', { id: 'hits' }, 'Watchlists'),
    check.hits.length ? hitTable(check.hits, lists) : h('p', { class: 'muted' }, 'Nobody on the lists is alike enough to be told of.'));
}

function records(answer, requestId) {
  const rows = [
    ['Verification', answer.id], ['Your key', answer.external_id], ['Decided', when(answer.created_at)],
    ['Deleted', answer.delete_after ? when(answer.delete_after) : 'when somebody deletes it'], ['Request', requestId],
    ...Object.entries(answer.models).map(([part, model]) => [`Model: ${plain(part).toLowerCase()}`, model]),
  ].filter(([, text]) => text);
  return h('section', { class: 'card stack', 'aria-labelledby': 'records' }, h('h2', { id: 'records' }, 'For the record'),
    h('dl', { class: 'facts' }, rows.map(([name, text]) => h('div', {}, h('dt', {}, name), h('dd', {}, text)))),
    h('details', {}, h('summary', {}, 'The whole answer'), h('pre', { class: 'raw', tabindex: 0 }, JSON.stringify(answer, null, 2))));
}

/** All of it. `pictures` are those that were sent, with the boxes of their faces; the console has none. */
export function answerCards(answer, { pictures, lists, requestId } = {}) {
  const { checks } = answer;
  return [
    verdict(answer),
    likeness(checks.face_match, pictures),
    checkList(checks, answer.reasons),
    documentCard(checks.document),
    hitCard(checks.watchlist, lists),
    h('section', { class: 'card stack', 'aria-labelledby': 'timings' }, h('h2', { id: 'timings' }, 'Where the time went'),
      h('p', { class: 'small muted' }, 'Both pictures are worked on side by side, so the parts add up to more than the whole.'), timingBars(answer.timings_ms)),
    records(answer, requestId),
  ].filter(Boolean);
}
