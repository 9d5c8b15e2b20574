// What the document says of itself: its machine-readable zone, field by field.

import { badge, h, table } from './dom.js';
import { plain, reasonText, result } from './words.js';

const LABELS = {
  last_names: 'Surname', first_names: 'Given names', document_number: 'Number', nationality: 'Nationality', date_of_birth: 'Born',
  sex: 'Sex', expiry_date: 'Valid until', issuing_state: 'Issued by', document_code: 'Kind', optional_data: 'Optional data', optional_data_2: 'Optional data 2',
};

function value(field) {
  if (field === null || field === undefined) return '–';
  if (typeof field === 'object') return field.value ?? `${field.raw} (${field.state})`;
  return field === '' ? '–' : String(field);
}

function facts(fields) {
  const known = Object.entries(LABELS).filter(([name]) => fields[name] !== undefined && fields[name] !== '');
  return h('dl', { class: 'facts' }, known.map(([name, label]) => h('div', {}, h('dt', {}, label), h('dd', {}, value(fields[name])))));
}

function digits(check) {
  const rows = Object.entries(check).filter(([, digit]) => digit);
  return table(['Over', 'Printed', 'Computed', 'Result'],
    h('tbody', {}, rows.map(([name, digit]) => h('tr', {},
      h('td', {}, name === 'composite' ? 'All of them' : LABELS[name] ?? plain(name)),
      h('td', { class: 'mono' }, digit.printed),
      h('td', { class: 'mono' }, digit.computed),
      h('td', {}, digit.holds ? badge('good', 'Holds') : badge('bad', 'Wrong'))))),
    {}, 'Check digits: each is computed from the characters before it');
}

function issues(list) {
  if (!list.length) return null;
  return h('ul', {}, list.map((issue) => h('li', {}, `${LABELS[issue.field] ?? plain(issue.field)}: ${reasonText(issue.code)}`)));
}

const CUES = {
  mrz_character: 'A character looks unlike itself in the font of the others.',
  mrz_alignment: 'Some characters stand above or below their line.',
};

/** Signs that something was put in, where there are any. */
function cues(list) {
  const noticed = (list ?? []).filter((cue) => cue.noticed);
  if (!noticed.length) return null;
  const told = (cue) => h('li', {}, `${CUES[cue.cue] ?? plain(cue.cue)} `,
    h('span', { class: 'small muted' }, `(noticed in ${(100 * cue.error.false_alarms).toFixed(1)} % of genuine ones, too)`));
  return h('div', { class: 'stack tight' }, h('h3', {}, 'Worth a look'), h('ul', {}, noticed.map(told)));
}

function repairs(list) {
  if (!list?.length) return null;
  const told = list.map((repair) => `${repair.from} → ${repair.to} (line ${repair.line}, place ${repair.position})`);
  return h('p', { class: 'small muted' }, `Put right, since only one of digit and letter can stand there: ${told.join(', ')}.`);
}

function expected(part) {
  if (!part?.fields?.length) return null;
  return h('div', { class: 'stack tight' }, h('h3', {}, 'What was expected'), h('ul', {}, part.fields.map((field) => {
    const [kind, word] = result(field.result);
    return h('li', {}, `${LABELS[field.field] ?? plain(field.field)} `, badge(kind, word));
  })));
}

/** The document's part of an answer. */
export function documentCard(check) {
  const { mrz } = check;
  const unseen = Object.entries(check.not_evaluated ?? {}).map(([what, why]) =>
    h('li', {}, `${plain(what)}: ${String(why).replace(/^not_evaluated: /, '')}`));
  const zone = mrz.lines ? [
    h('div', { class: 'row' }, badge('', mrz.format), badge(...result(mrz.result)), h('span', { class: 'small muted' }, mrz.side === 'document_back' ? 'read on the back' : 'read on the front')),
    facts(mrz.fields),
    h('pre', { class: 'zone', tabindex: 0, 'aria-label': 'Machine-readable lines' }, mrz.lines.join('\n')),
    digits(mrz.check_digits),
    issues(mrz.issues),
    cues(mrz.cues),
    repairs(mrz.repairs),
  ] : h('p', { class: 'muted' }, `${plain(mrz.reason ?? 'no machine-readable zone was found')}.`);
  return h('section', { class: 'card stack', 'aria-labelledby': 'document-title' },
    h('h2', { id: 'document-title' }, 'What the document says'),
    zone,
    expected(check.expected),
    unseen.length > 0 && h('details', {}, h('summary', {}, 'What was not looked at'), h('ul', {}, unseen)));
}
