// The camera of the device.

import { h } from './dom.js';

/** Longest side of a picture that is taken: enough for any face in it, and quick to send. */
const LONGEST = 1600;

const REFUSALS = {
  NotAllowedError: 'The browser may not use the camera. Allow it beside the address, or upload a picture.',
  NotFoundError: 'There is no camera. Upload a picture.',
  NotReadableError: 'Another program uses the camera.',
};

/** Why there is no camera, in words. */
export function refusal(error) {
  return REFUSALS[error.name] ?? error.message;
}

/** One use of the camera, from its start to its stop. */
export class Camera {
  #stream = null;
  #isOver = false;

  constructor(facing) {
    this.facing = facing;
    this.video = h('video', { autoplay: true, playsinline: true, 'aria-label': 'What the camera sees' });
    this.video.muted = true;
  }

  async start() {
    if (!navigator.mediaDevices) {
      throw new Error('Browsers lend the camera only over https, or to this machine itself. Upload a picture.');
    }
    this.#stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { facingMode: this.facing, width: { ideal: 1280 }, height: { ideal: 960 } },
    });
    if (this.#isOver) return this.stop();
    this.video.srcObject = this.#stream;
    return this.video.play();
  }

  /** Also before the person has said whether the camera may be used. */
  stop() {
    this.#isOver = true;
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = null;
    this.video.srcObject = null;
  }

  /** What is seen now, as a JPEG. It is not mirrored, whatever the preview is. */
  async take(longest = LONGEST) {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width) throw new Error('The camera shows nothing yet.');
    const scale = Math.min(1, longest / Math.max(width, height));
    const canvas = h('canvas', { width: Math.round(width * scale), height: Math.round(height * scale) });
    canvas.getContext('2d').drawImage(this.video, 0, 0, canvas.width, canvas.height);
    // At once: `toBlob` may wait a second for a page that is busy, and a challenge cannot.
    const [, encoded] = canvas.toDataURL('image/jpeg', 0.92).split(',');
    return new Blob([Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0))], { type: 'image/jpeg' });
  }
}
