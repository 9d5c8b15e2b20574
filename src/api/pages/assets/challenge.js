// The challenge: the service says what to do, and judges from pictures whether it is done.

import { call } from './api.js';
import { Camera, refusal } from './camera.js';
import { h, note } from './dom.js';
import { ACTIONS, SHORT_ACTIONS, hintText, reasonText } from './words.js';

/** Longest side of a frame. */
const LONGEST = 960;
/** Least time between two frames, so that two of them differ. */
const PACE_MS = 180;

const OVER = {
  failed: 'The challenge was not passed',
  expired: 'The challenge took too long',
  used: 'The challenge was used already',
};

/** What is asked of the person in this state. */
export function instruction(session) {
  const step = session.steps?.[session.current_step];
  if (step) return ACTIONS[step.action] ?? hintText(step.action);
  return session.state === 'passed' ? 'Done. Thank you' : 'Look straight into the camera';
}

function frameForm(nonce, sequence, image) {
  const form = new FormData();
  form.set('nonce', nonce);
  form.set('sequence', String(sequence));
  form.set('captured_at_ms', String(Math.round(performance.now())));
  form.set('image', image, 'frame.jpg');
  return form;
}

/** The stage on which it happens. */
class Stage {
  constructor(camera, cancel) {
    this.say = h('p', { class: 'say', role: 'status', 'aria-live': 'assertive' }, 'Starting the camera');
    this.stage = h('div', { class: 'stage mirrored' }, camera.video, h('div', { class: 'oval' }), this.say);
    this.steps = h('ol', { class: 'dots', 'aria-label': 'What is asked' });
    this.node = h('div', { class: 'stack' }, this.stage, this.steps,
      h('div', { class: 'row' }, h('button', { type: 'button', onclick: cancel }, 'Stop')));
  }

  update(session, frame) {
    const isTold = frame && !['ok', 'look_straight'].includes(frame.hint) && !(frame.hint in ACTIONS);
    const text = isTold ? hintText(frame.hint) : instruction(session);
    if (this.say.textContent !== text) this.say.textContent = text;
    this.stage.classList.toggle('good', Boolean(frame?.accepted));
    this.stage.classList.toggle('bad', Boolean(isTold));
    const current = session.current_step;
    this.steps.replaceChildren(...session.steps.map((step, index) => h('li', {
      class: step.state === 'done' ? 'done' : '',
      'aria-current': index === current && session.state === 'open' ? 'step' : null,
    }, `${step.state === 'done' ? '✓ ' : ''}${SHORT_ACTIONS[step.action] ?? step.action}`)));
  }
}

/** Sends frames until the session is over; gives the session and the frame that shows the face from the front. */
async function follow(camera, stage, session, signal) {
  const { nonce } = session;
  let front = null;
  for (let sequence = 0; session.state === 'open' && sequence < session.max_frames; sequence += 1) {
    const started = performance.now();
    const image = await camera.take(LONGEST);
    const wasFront = session.current_step === null;
    const answer = await call('POST', `liveness_sessions/${session.id}/frames`, { form: frameForm(nonce, sequence, image), signal });
    session = answer.body;
    if (wasFront && session.frame?.accepted) front = image;
    stage.update(session, session.frame);
    const rest = PACE_MS - (performance.now() - started);
    if (rest > 0) await new Promise((wait) => setTimeout(wait, rest));
  }
  return { session, front };
}

/**
 * Takes a person through it in `place`. Gives `{ sessionId, picture }` where it is passed, and `{ over: node }` with the
 * reason otherwise.
 */
export async function challenge(place) {
  const camera = new Camera('user');
  const stop = new AbortController();
  const stage = new Stage(camera, () => stop.abort());
  place.replaceChildren(stage.node);
  try {
    const { body } = await call('POST', 'liveness_sessions', { json: { steps: 3 }, signal: stop.signal });
    await camera.start();
    stage.update(body, null);
    const { session, front } = await follow(camera, stage, body, stop.signal);
    if (session.state === 'passed') return { sessionId: session.id, picture: front };
    return { over: whyOver(session) };
  } catch (error) {
    if (error.name === 'AbortError') return { over: note('', 'The challenge was stopped', 'Start again, or take just a photograph.') };
    if (error.status === undefined) return { over: note('bad', 'The camera cannot be used', refusal(error)) };
    throw error;
  } finally {
    stop.abort();
    camera.stop();
  }
}

function whyOver(session) {
  const reasons = session.reasons.map(reasonText);
  const state = session.state === 'open' ? 'expired' : session.state;
  return note('bad', OVER[state] ?? OVER.failed, reasons.length ? reasons : 'Not every step was seen in time.');
}
