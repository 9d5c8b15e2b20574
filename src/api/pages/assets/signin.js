// Signing in with a token, and who is signed in.

import { call, claimsOf, session } from './api.js';
import { byId, field, h, note, show, whileBusy } from './dom.js';

/** What went wrong, with what support needs to find it. */
export function problemNote(problem) {
  if (!problem || problem.status === undefined) {
    return note('bad', 'Something went wrong on this page', String(problem?.message ?? problem));
  }
  return note('bad', problem.message, problem.detail, problem.faults,
    problem.retryAfter && `Try again in ${problem.retryAfter} seconds.`,
    problem.code && h('p', { class: 'small muted' }, `Code ${problem.code} · request `, h('span', { class: 'mono' }, problem.requestId ?? 'unknown')));
}

function faultOf(claims) {
  if (!claims) return ['That is not a token', 'A token is three parts with dots between them. Copy all of it.'];
  if (claims.exp && claims.exp * 1000 < Date.now()) return ['This token has expired', 'Ask for a new one.'];
  return null;
}

/** Shows the form; `done` is called once the service has accepted a token. */
export function signIn(place, { lead, done, problem }) {
  const told = h('div', {}, problem && problemNote(problem));
  const input = h('textarea', { class: 'token', rows: 5, autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off', required: true });
  const button = h('button', { class: 'main', type: 'submit' }, 'Sign in');
  const submit = async (event) => {
    event.preventDefault();
    const token = input.value.trim().replace(/^TOKEN=/, '').replace(/^Bearer\s+/i, '');
    const fault = faultOf(claimsOf(token));
    if (fault) {
      told.replaceChildren(note('bad', ...fault));
      input.focus();
      return;
    }
    session.token = token;
    try {
      await whileBusy(button, 'Asking the service', checked);
      signedIn();
      done();
    } catch (refused) {
      session.end();
      told.replaceChildren(problemNote(refused));
      input.focus();
    }
  };
  show(place, h('section', { class: 'card', 'aria-labelledby': 'sign-in' },
    h('form', { class: 'stack', onsubmit: submit, novalidate: true },
      h('h2', { id: 'sign-in' }, 'Sign in'),
      h('p', { class: 'muted' }, lead),
      told,
      field('Token', input, 'The service prints one when it starts with a key of its own; the command “likeness token” makes others. It stays in this tab.'),
      h('div', {}, button))));
}

/** A question that costs nothing and that only a good token gets through. A scope that is missing shows later, where it is missed. */
async function checked() {
  try {
    await call('GET', 'verifications?limit=1');
  } catch (problem) {
    if (problem.status !== 403) throw problem;
  }
}

/** Shows who is signed in, and until when. */
export function signedIn() {
  const claims = session.claims;
  const place = byId('who');
  place.hidden = !claims;
  if (!claims) return;
  const ends = claims.exp && new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' }).format(new Date(claims.exp * 1000));
  const leave = () => {
    session.end();
    window.location.reload();
  };
  place.replaceChildren(
    h('span', { title: `Scopes: ${claims.scope ?? 'none'}` },
      h('strong', {}, String(claims.tenant ?? 'no tenant')),
      h('span', { class: 'small' }, ` · ${claims.sub ?? 'nobody'}${ends ? ` · until ${ends}` : ''}`)),
    h('button', { type: 'button', class: 'plain', onclick: leave }, 'Sign out'));
}

/** Goes back to the form when the service no longer takes the token. */
export function onSignedOut(again) {
  document.addEventListener('signed-out', (event) => {
    if (!session.token) return;
    session.end();
    byId('who').hidden = true;
    again(event.detail);
  });
}
