// Choosing and taking pictures, and cutting faces out of them.

import { Camera, refusal } from './camera.js';
import { announce, h, note } from './dom.js';

/** How much there is around a face, in heights of its box. */
const MARGIN = 0.45;
const TYPES = ['image/jpeg', 'image/png', 'image/webp'];

/** Why a file is not sent at all, or null. */
export function fileFault(file) {
  return TYPES.includes(file.type) ? null : `${file.name ?? 'This'} is not a JPEG, PNG or WebP picture.`;
}

/** Makes an element one that files can be dropped on. */
export function onDrop(node, take) {
  for (const kind of ['dragenter', 'dragover']) {
    node.addEventListener(kind, (event) => {
      event.preventDefault();
      node.classList.add('over');
    });
  }
  for (const kind of ['dragleave', 'drop']) node.addEventListener(kind, () => node.classList.remove('over'));
  node.addEventListener('drop', (event) => {
    event.preventDefault();
    take([...event.dataTransfer.files]);
  });
}

/** A place to drop a picture, to choose one, or to come to with the keyboard. `picked` gets the files. */
export function dropZone({ title, hint, multiple = false, capture, picked }) {
  const input = h('input', { type: 'file', accept: TYPES.join(','), multiple, capture, 'aria-label': title });
  const zone = h('label', { class: 'drop' }, h('strong', {}, title), h('span', { class: 'small muted' }, hint), input);
  const take = (files) => files.length && picked(multiple ? files : files.slice(0, 1), zone);
  input.addEventListener('change', () => {
    take([...input.files]);
    input.value = '';
  });
  onDrop(zone, take);
  return zone;
}

/** A drop zone that shows the one picture in it. */
export function pictureZone({ title, hint, chosen, picked, fault }) {
  const preview = h('img', { alt: '', hidden: true });
  const set = (blob) => {
    URL.revokeObjectURL(preview.src);
    preview.src = URL.createObjectURL(blob);
    preview.hidden = false;
  };
  const zone = dropZone({
    title,
    hint,
    picked: ([file]) => {
      const wrong = fileFault(file);
      fault(wrong);
      if (wrong) return;
      set(file);
      announce(`${file.name} is chosen`);
      picked(file);
    },
  });
  zone.prepend(preview);
  if (chosen) set(chosen);
  zone.set = set;
  return zone;
}

/** Takes one photograph in `place`; gives it, or null where the person goes back. */
export async function photograph(place, { facing, mirrored, oval }) {
  const camera = new Camera(facing);
  const say = h('p', { class: 'say', role: 'status' }, 'Starting the camera');
  const stage = h('div', { class: `stage ${mirrored ? 'mirrored' : ''}` }, camera.video, oval && h('div', { class: 'oval' }), say);
  try {
    return await new Promise((resolve, reject) => {
      const shoot = h('button', { type: 'button', class: 'main', disabled: true, onclick: () => camera.take().then(resolve, reject) }, 'Take the picture');
      const back = h('button', { type: 'button', onclick: () => resolve(null) }, 'Back');
      place.replaceChildren(h('div', { class: 'stack' }, stage, h('div', { class: 'row' }, shoot, back)));
      back.focus({ preventScroll: true });
      camera.start().then(() => {
        say.textContent = oval ? 'Look straight into the camera' : 'Show the whole document, flat and sharp';
        shoot.disabled = false;
        shoot.focus({ preventScroll: true });
      }, reject);
    });
  } catch (error) {
    place.replaceChildren(note('bad', 'The camera cannot be used', refusal(error)));
    return null;
  } finally {
    camera.stop();
  }
}

/** A face with some room around it, `[x, y, width, height]` in pixels of the upright picture; all of it without a box. */
export async function crop(blob, box, label) {
  const canvas = h('canvas', { width: 320, height: 400, role: 'img', 'aria-label': label });
  const picture = await createImageBitmap(blob, { imageOrientation: 'from-image' });
  const ratio = canvas.width / canvas.height;
  let [x, y, width, height] = box ?? [0, 0, picture.width, picture.height];
  const high = Math.min(box ? height * (1 + 2 * MARGIN) : Math.min(height, width / ratio), picture.height, picture.width / ratio);
  const wide = high * ratio;
  x = clamp(x + width / 2 - wide / 2, picture.width - wide);
  y = clamp(y + height / 2 - high / 2, picture.height - high);
  canvas.getContext('2d').drawImage(picture, x, y, wide, high, 0, 0, canvas.width, canvas.height);
  picture.close();
  return canvas;
}

function clamp(value, most) {
  return Math.max(0, Math.min(value, most));
}
