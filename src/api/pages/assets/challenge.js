// The challenge: the service says what to do, and judges from pictures whether it is done.

import { call } from './api.js';
import { Camera, refusal } from './camera.js';
import { h, note } from './dom.js';
import { SHORT_ACTIONS, hintText, reasonText } from './words.js';

/** Longest sides of a frame: what is sent first, and down to where it becomes smaller on a slow connection. */
const LONGEST = 960;
const SHORTEST = 480;
/** Least time between two frames, so that two of them differ. */
const PACE_MS = 180;
/** A frame that takes longer is followed by a smaller one: the service sees no movement between frames too far apart. */
const SLOW_MS = 700;

const OVER = {
  failed: 'The challenge was not passed',
  expired: 'The challenge took too long',
  used: 'The challenge was used already',
};

/** What is asked of the person in this state: what the last picture came to, or else the next step. */
function instruction(session, frame) {
  if (session.state === 'passed') return 'Done. Thank you';
  if (frame && frame.hint !== 'ok') return hintText(frame.hint);
  return hintText(session.steps[session.current_step]?.action ?? 'look_straight');
}

/** What the person has to put right before anything counts. */
const FAULTS = ['no_face', 'several_faces', 'too_dark', 'blurred'];

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
    this.stop = h('button', { type: 'button', id: 'stop', onclick: cancel }, 'Stop');
    this.node = h('div', { class: 'stack' }, this.stage, this.steps, h('div', { class: 'row' }, this.stop));
  }

  update(session, frame) {
    const text = instruction(session, frame);
    if (this.say.textContent !== text) this.say.textContent = text;
    this.stage.classList.toggle('good', Boolean(frame?.accepted));
    this.stage.classList.toggle('bad', FAULTS.includes(frame?.hint));
    const current = session.current_step;
    this.steps.replaceChildren(...session.steps.map((step, index) => h('li', {
      class: step.state === 'done' ? 'done' : '',
      'aria-current': index === current && session.state === 'open' ? 'step' : null,
    }, `${step.state === 'done' ? '✓ ' : ''}${SHORT_ACTIONS[step.action] ?? step.action}`)));
  }
}

/** Sends frames until the session is over; gives the session and its best frame, which the service takes for the selfie. */
async function follow(camera, stage, session, signal) {
  const { nonce } = session;
  let best = null;
  let longest = LONGEST;
  for (let sequence = 0; session.state === 'open' && sequence < session.max_frames; sequence += 1) {
    const started = performance.now();
    const image = await camera.take(longest);
    const answer = await call('POST', `liveness_sessions/${session.id}/frames`, { form: frameForm(nonce, sequence, image), signal });
    session = answer.body;
    if (session.frame.is_best) best = image;
    stage.update(session, session.frame);
    const took = performance.now() - started;
    if (took > SLOW_MS) longest = Math.max(SHORTEST, longest * 0.8);
    const rest = PACE_MS - took;
    if (rest > 0) await new Promise((wait) => setTimeout(wait, rest));
  }
  return { session, best };
}

/** Never comes true, and fails once it is stopped. */
function givenUp(signal) {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });
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
  stage.stop.focus({ preventScroll: true });
  try {
    const { body } = await call('POST', 'liveness_sessions', { json: { steps: 3 }, signal: stop.signal });
    await Promise.race([camera.start(), givenUp(stop.signal)]);
    stage.update(body, null);
    const { session, best } = await follow(camera, stage, body, stop.signal);
    if (session.state === 'passed') return { sessionId: session.id, picture: best };
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
