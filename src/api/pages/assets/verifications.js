// Verifications in the console: the list with its filters, and one of them with the form to decide.

import { answerCards } from './answer.js';
import { call, newKey, session } from './api.js';
import { announce, badge, byId, confirmed, field, h, note, show, whileBusy } from './dom.js';
import { paged } from './paging.js';
import { problemNote } from './signin.js';
import { DECISIONS, brief, number, plain, reasonText, when } from './words.js';

const PAGE = 25;
/** What was asked for last, so that going back shows it again. */
const filters = { queue: 'waiting', external_id: '' };

const QUEUES = [
  ['waiting', 'Waiting for a human', 'decision=review&reviewed=false'], ['', 'All', ''], ['review', 'Doubtful', 'decision=review'],
  ['approved', 'Approved by the machine', 'decision=approved'], ['declined', 'Declined by the machine', 'decision=declined'],
  ['reviewed', 'Decided by a human', 'reviewed=true'],
];

function parameters() {
  const [, , chosen] = QUEUES.find(([name]) => name === filters.queue) ?? QUEUES[1];
  const asked = new URLSearchParams(chosen);
  if (filters.external_id) asked.set('external_id', filters.external_id);
  return asked;
}

function decisionBadge(code) {
  const decided = DECISIONS[code];
  if (!decided) return badge('', plain(code ?? 'open'));
  return badge(decided.kind, code === 'review' ? 'Review' : decided.word);
}

function row(item) {
  const [first, ...more] = item.reasons.filter((reason) => reason.severity !== 'info');
  const why = first ? reasonText(first.code) + (more.length ? ` And ${more.length} more.` : '') : '–';
  const name = item.external_id ?? brief(item.id);
  return h('tr', {},
    h('td', { 'data-label': 'Person' }, h('a', { class: 'open', href: `#/verifications/${item.id}` }, name)),
    h('td', { 'data-label': 'When' }, when(item.created_at)),
    h('td', { 'data-label': 'Machine' }, decisionBadge(item.decision)),
    h('td', { 'data-label': 'In the end' }, item.final_decision ? decisionBadge(item.final_decision) : badge('', 'Open')),
    h('td', { 'data-label': 'Similarity' }, number(item.checks.face_match.similarity)),
    h('td', { 'data-label': 'Why' }, why));
}

/** Shows the list. */
export function verificationList(place) {
  const queue = h('select', { id: 'queue' }, QUEUES.map(([value, text]) => h('option', { value, selected: value === filters.queue }, text)));
  const key = h('input', { type: 'search', value: filters.external_id, maxlength: 128, id: 'key' });
  const list = paged({
    path: 'verifications', filters: parameters, size: PAGE, id: 'verifications', row,
    columns: ['Person', 'When', 'Machine', 'In the end', 'Similarity', 'Why'],
    empty: ['There is nothing here', 'Nothing matches what you ask for.'],
    shown: (count) => announce(`${count} verifications are shown`),
  });
  const ask = (event) => {
    event?.preventDefault();
    Object.assign(filters, { queue: queue.value, external_id: key.value.trim() });
    list.load(true);
  };
  queue.addEventListener('change', ask);
  show(place, h('h1', {}, 'Reviews'),
    h('section', { class: 'card stack', 'aria-label': 'Verifications' },
      h('form', { class: 'row end', onsubmit: ask, role: 'search' }, field('Show', queue), field('Key', key), h('button', { type: 'submit' }, 'Find')),
      list.nodes));
  list.load(true);
}

// One of them.

function history(reviews) {
  if (!reviews.length) return null;
  return h('section', { class: 'card stack', 'aria-labelledby': 'reviews' }, h('h2', { id: 'reviews' }, 'What people decided'),
    h('ul', { class: 'reasons' }, reviews.map((review) => h('li', {},
      decisionBadge(review.decision), h('strong', {}, review.reviewer), h('span', { class: 'muted small' }, when(review.created_at)),
      review.note && h('span', {}, `“${review.note}”`)))));
}

function decideForm(answer, decided) {
  const last = answer.reviews.at(-1);
  const told = h('div', {});
  const text = h('textarea', { maxlength: 2000, id: 'note', rows: 3 });
  const button = h('button', { type: 'submit', class: 'main', id: 'decide' }, last ? 'Correct the decision' : 'Decide');
  const choice = (value, label) => h('label', { class: 'choice' }, h('input', { type: 'radio', name: 'decision', value, required: true }), h('span', {}, label));
  const key = newKey();
  const submit = async (event) => {
    event.preventDefault();
    const json = { decision: new FormData(event.target).get('decision') };
    if (text.value.trim()) json.note = text.value.trim();
    if (last) json.corrects = last.number;
    try {
      const { body } = await whileBusy(button, 'Deciding', () => call('POST', `verifications/${answer.id}/review`, { json, key }));
      decided(body);
    } catch (problem) {
      told.replaceChildren(problemNote(problem));
    }
  };
  if (!session.has('review')) {
    return h('section', { class: 'card' }, note('', 'This token may not decide', 'That takes the scope “review”.'));
  }
  return h('section', { class: 'card', 'aria-labelledby': 'decide-title' }, h('form', { class: 'stack', onsubmit: submit },
    h('h2', { id: 'decide-title' }, last ? 'Decide again' : 'Your decision'),
    h('p', { class: 'muted' }, 'What the machine found stays as it is. Your decision is what holds in the end, under your name and in the audit log.'),
    told,
    h('fieldset', {}, h('legend', { class: 'unseen' }, 'Decision'), h('div', { class: 'columns' }, choice('approved', 'Approve'), choice('declined', 'Decline'))),
    field('Why', text, 'Optional. It is erased with the verification.'),
    h('div', {}, button)));
}

async function erase(answer) {
  const sure = await confirmed('Erase this verification?', 'The answer and its reviews are removed for good. The audit log keeps that it was done.', 'Erase');
  if (!sure) return;
  await call('DELETE', `verifications/${answer.id}`);
  window.location.hash = '#/verifications';
}

/** The lists that were searched, by their ids: those that are still there and that the token may read. */
async function searchedLists({ searched }) {
  if (!session.has('watchlist:read')) return new Map();
  const read = ({ watchlist_id: id }) => call('GET', `watchlists/${id}`).then(({ body }) => [id, body], () => null);
  return new Map((await Promise.all(searched.map(read))).filter(Boolean));
}

/** Shows one verification. */
export async function verificationView(place, id) {
  const back = h('a', { href: '#/verifications', class: 'button' }, '← All verifications');
  const draw = (answer, { requestId, lists }, message) => {
    const told = h('div', {}, message);
    const failed = (problem) => told.replaceChildren(problemNote(problem));
    const remove = h('button', { type: 'button', class: 'danger', id: 'erase', onclick: () => erase(answer).catch(failed) }, 'Erase');
    const [verdict, ...rest] = answerCards(answer, { requestId, lists });
    show(place, h('div', { class: 'row between' }, back, remove),
      h('h1', {}, answer.external_id ?? 'A verification without a key'), told, verdict, history(answer.reviews),
      decideForm(answer, (reviewed) => {
        draw(reviewed, { requestId, lists }, note('good', 'Decided', 'It holds from now on.'));
        announce('Your decision is kept');
      }),
      h('p', { class: 'muted small' }, 'Pictures are not kept, so there are none to look at. Ask for them where they were taken.'), rest);
  };
  place.replaceChildren(h('p', { class: 'busy row' }, 'Loading'));
  try {
    const { body, requestId } = await call('GET', `verifications/${encodeURIComponent(id)}`);
    const lists = await searchedLists(body.checks.watchlist);
    if (byId('view') === place) draw(body, { requestId, lists });
  } catch (problem) {
    show(place, back, h('h1', {}, 'It cannot be shown'), problemNote(problem));
  }
}
