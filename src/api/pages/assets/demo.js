// The demo: sign in, show the face, show the document, see the answer.

import { answerCards } from './answer.js';
import { call, newKey, session } from './api.js';
import { challenge } from './challenge.js';
import { announce, byId, field, h, note, show, whileBusy } from './dom.js';
import { photograph, pictureZone } from './pictures.js';
import { onSignedOut, problemNote, signIn, signedIn } from './signin.js';

const STEPS = ['Sign in', 'Your face', 'Your document', 'The answer'];

const place = byId('step');
/** What the person has shown so far. */
let shown = {};

function progress(current) {
  byId('steps').replaceChildren(...STEPS.map((name, index) => h('li', {
    class: index < current ? 'done' : '',
    'aria-current': index === current ? 'step' : null,
  }, name)));
}

function begin(problem) {
  progress(0);
  signIn(place, { lead: 'Checks need a token with the scope “verify”.', done: faceStep, problem });
}

function card(id, title, ...content) {
  return h('section', { class: 'card', 'aria-labelledby': id }, h('div', { class: 'stack' }, h('h2', { id }, title), content));
}

// The face.

function faceStep(told) {
  progress(1);
  shown = {};
  const work = h('div', { class: 'stack' });
  const report = h('div', { id: 'face-report' }, told);
  const say = (node) => report.replaceChildren(node ?? '');
  const zone = pictureZone({
    title: 'Upload a picture of the face',
    hint: 'Choose one, or drop it here. JPEG, PNG or WebP.',
    fault: (text) => say(text && note('bad', text)),
    picked: (file) => confirmFace(file),
  });
  const begun = h('button', { type: 'button', class: 'main', id: 'start-challenge', onclick: () => takeChallenge(work, say, choices) }, 'Take the challenge');
  const still = h('button', { type: 'button', id: 'just-photograph', onclick: () => takePhotograph(work, say, choices) }, 'Just a photograph');
  const choices = h('div', { class: 'stack' }, h('div', { class: 'row' }, begun, still), zone);
  show(place, card('face-title', 'Show your face',
    h('p', { class: 'muted' }, 'In the challenge you do what is asked, such as to turn your head. A photograph held before the camera cannot do that. The camera’s pictures go to this service only.'),
    report, work, choices));
}

async function withCamera(work, say, choices, take) {
  choices.hidden = true;
  say(null);
  try {
    return await take();
  } catch (problem) {
    say(problemNote(problem));
    return null;
  } finally {
    choices.hidden = false;
    if (!work.querySelector('.note')) work.replaceChildren();
  }
}

async function takeChallenge(work, say, choices) {
  const outcome = await withCamera(work, say, choices, () => challenge(work));
  work.replaceChildren();
  if (outcome?.sessionId) {
    shown.sessionId = outcome.sessionId;
    shown.face = outcome.picture;
    const best = h('img', { class: 'thumb', alt: 'The best picture of the challenge', src: URL.createObjectURL(outcome.picture) });
    documentStep(note('good', 'You passed the challenge', 'The service took the best picture of it for your face:', best));
  } else {
    if (outcome) say(outcome.over);
    byId('start-challenge')?.focus();
  }
}

async function takePhotograph(work, say, choices) {
  const blob = await withCamera(work, say, choices, () => photograph(work, { facing: 'user', mirrored: true, oval: true }));
  if (blob) confirmFace(blob);
  else byId('just-photograph')?.focus();
}

/** A photograph can be looked at before it is used. */
function confirmFace(blob) {
  const picture = h('img', { alt: 'The picture of the face', src: URL.createObjectURL(blob) });
  const use = () => {
    shown.face = blob;
    documentStep();
  };
  show(place, card('confirm-title', 'Use this picture?', h('div', { class: 'stage' }, picture),
    h('div', { class: 'row' },
      h('button', { type: 'button', class: 'main', id: 'use-face', onclick: use }, 'Use it'),
      h('button', { type: 'button', onclick: () => faceStep() }, 'Take another'))));
  announce('The picture is taken');
}

// The document.

async function watchlists() {
  if (!session.has('watchlist:read')) return [];
  try {
    return (await call('GET', 'watchlists?limit=50')).body.items;
  } catch {
    return [];
  }
}

function documentStep(told) {
  progress(2);
  const work = h('div', { class: 'stack' });
  const report = h('div', { id: 'document-report' }, told);
  const say = (node) => report.replaceChildren(node ?? '');
  const fault = (text) => say(text && note('bad', text));
  const front = pictureZone({
    title: 'The side with the portrait', hint: 'Choose a picture, or drop it here.', chosen: shown.document, fault,
    picked: (file) => { shown.document = file; },
  });
  const back = pictureZone({
    title: 'The other side', hint: 'Only where it has machine-readable lines.', chosen: shown.back, fault,
    picked: (file) => { shown.back = file; },
  });
  const photo = h('button', { type: 'button', id: 'photograph-document', onclick: () => photographDocument(work, say, front) }, 'Photograph the document');
  const key = h('input', { type: 'text', maxlength: 128, autocomplete: 'off', id: 'external-id' });
  const consent = h('input', { type: 'text', maxlength: 128, autocomplete: 'off' });
  const lists = h('div', {});
  const check = h('button', { type: 'submit', class: 'main', id: 'check' }, 'Check the identity');
  const submit = async (event) => {
    event.preventDefault();
    if (!shown.document) {
      say(note('bad', 'The document is missing', 'Choose a picture of the side with the portrait, or photograph it.'));
      return;
    }
    const chosen = [...lists.querySelectorAll(':checked')].map((box) => box.value);
    await whileBusy(check, 'Checking', () => verify({ lists: chosen, key: key.value.trim(), consent: consent.value.trim() }).then(answerStep, (problem) => {
      say(problemNote(problem));
      report.scrollIntoView({ block: 'center' });
    }));
  };
  show(place, card('document-title', 'Show your document', report, work,
    h('form', { class: 'stack', onsubmit: submit },
      h('div', { class: 'columns' }, front, back),
      h('div', { class: 'row' }, photo),
      lists,
      h('details', {}, h('summary', {}, 'More'), h('div', { class: 'columns' },
        field('Your key for this person', key, 'Optional; five checks of one key may fail in 15 minutes.'),
        field('Reference to their consent', consent, 'Some services require it.'))),
      h('div', { class: 'row' }, check, h('button', { type: 'button', onclick: () => faceStep() }, 'Back to the face')))));
  watchlists().then((items) => {
    shown.lists = new Map(items.map((list) => [list.id, list]));
    if (items.length) lists.append(listChoices(items));
  });
}

function listChoices(items) {
  return h('fieldset', {}, h('legend', {}, 'Search these watchlists, ten at most'), items.map((list) =>
    h('label', { class: 'choice' }, h('input', { type: 'checkbox', value: list.id }), h('span', {}, list.name),
      h('span', { class: 'small muted' }, `${list.kind} · ${list.subjects} ${list.subjects === 1 ? 'person' : 'people'}`))));
}

async function photographDocument(work, say, front) {
  say(null);
  const blob = await photograph(work, { facing: 'environment', mirrored: false, oval: false });
  if (!work.querySelector('.note')) work.replaceChildren();
  if (!blob) {
    byId('photograph-document')?.focus();
    return;
  }
  shown.document = blob;
  front.set(blob);
  byId('check').focus();
}

// The answer.

function submission({ lists, key, consent }) {
  const form = new FormData();
  if (shown.sessionId) form.set('liveness_session_id', shown.sessionId);
  else form.set('selfie', shown.face, 'selfie');
  form.set('document', shown.document, 'document');
  if (shown.back) form.set('document_back', shown.back, 'document_back');
  for (const list of lists) form.append('watchlist_ids', list);
  if (key) form.set('external_id', key);
  if (consent) form.set('consent', JSON.stringify({ id: consent }));
  return form;
}

/** Where the face is on the picture that was sent, which a verification does not tell. */
async function faceBox(blob) {
  const form = new FormData();
  form.set('image', blob, 'image');
  try {
    const { body } = await call('POST', 'faces/detect', { form });
    return body.faces[0]?.box ?? null;
  } catch {
    return null;
  }
}

async function verify(choices) {
  const sent = { face: shown.face, document: shown.document };
  const key = newKey();
  const { body, requestId } = await call('POST', 'verifications', { form: submission(choices), key });
  const box = sent.face && await faceBox(sent.face);
  return { body, requestId, pictures: {
    selfie: sent.face && { blob: sent.face, box },
    document: { blob: sent.document, box: body.checks.document.portrait.box },
  } };
}

function answerStep({ body, requestId, pictures }) {
  progress(3);
  const again = h('button', { type: 'button', class: 'main', onclick: () => faceStep() }, 'Check somebody else');
  show(place, answerCards(body, { pictures, requestId, lists: shown.lists }), h('div', { class: 'row' }, again,
    h('a', { class: 'button', href: `console#/verifications/${body.id}` }, 'Open in the console')));
  announce(`The answer: ${byId('verdict').textContent}`);
}

onSignedOut(begin);
if (session.token) {
  signedIn();
  faceStep();
} else {
  begin();
}
