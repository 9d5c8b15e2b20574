// Putting people on a list by their pictures: one picture, one person, each with its own progress.

import { newKey, upload } from './api.js';
import { announce, badge, field, h, note } from './dom.js';
import { dropZone, fileFault } from './pictures.js';
import { brief, number } from './words.js';

/** A file's name without its ending, as a name to show. */
function nameOf(file) {
  return file.name.replace(/\.[^.]+$/, '').replaceAll('_', ' ').trim().slice(0, 200) || 'Unnamed';
}

function subjectForm(file, { consent, useKeys }) {
  const form = new FormData();
  form.set('display_name', nameOf(file));
  if (useKeys) form.set('external_id', file.name.replace(/\.[^.]+$/, '').slice(0, 128));
  if (consent) form.set('consent', JSON.stringify({ id: consent }));
  form.set('image', file);
  return form;
}

/** A file on its way: its picture, its name, how far it is, and what came of it. */
class Item {
  constructor(file) {
    this.file = file;
    this.key = newKey();
    const url = URL.createObjectURL(file);
    this.bar = h('progress', { max: 1, value: 0, 'aria-label': `Progress of ${file.name}` });
    this.told = h('span', { class: 'small muted' }, 'Waiting');
    this.mark = h('span', {}, badge('', 'Waiting'));
    this.node = h('li', {}, h('img', { src: url, alt: '', onload: () => URL.revokeObjectURL(url) }),
      h('div', { class: 'stack tight' }, h('strong', {}, file.name), this.bar, this.told), this.mark);
  }

  set(kind, word, text) {
    this.mark.replaceChildren(badge(kind, word));
    this.told.textContent = text;
    this.node.dataset.state = word.toLowerCase();
  }

  over(kind, word, text) {
    this.bar.hidden = true;
    this.set(kind, word, text);
  }

  async send(list, options) {
    this.set('', 'Sending', 'On its way');
    try {
      const made = await upload(`watchlists/${list.id}/subjects`, subjectForm(this.file, options), this.key, (share) => {
        this.bar.value = share;
        if (share === 1) this.set('', 'Working', 'The service looks for the face');
      });
      const [twin] = made.duplicate_of;
      if (twin) this.over('doubt', 'Added', `Already there, it seems: similarity ${number(twin.similarity)} to ${twin.external_id ?? brief(twin.subject_id)}`);
      else this.over('good', 'Added', `As “${made.display_name}”`);
      return true;
    } catch (problem) {
      this.over('bad', 'Refused', [problem.message, problem.detail, ...(problem.faults ?? []), problem.requestId && `request ${problem.requestId}`].filter(Boolean).join(' · '));
      return false;
    }
  }
}

/** The place to drop pictures on. `changed` is called when people were added. */
export function enrolment(list, changed) {
  const files = h('ul', { class: 'files', id: 'enrolled' });
  const told = h('div', { role: 'status' });
  const consent = h('input', { type: 'text', maxlength: 128, autocomplete: 'off' });
  const useKeys = h('input', { type: 'checkbox', id: 'use-keys' });
  let queue = Promise.resolve();
  const add = async (chosen) => {
    const options = { consent: consent.value.trim(), useKeys: useKeys.checked };
    const items = chosen.map((file) => new Item(file));
    files.prepend(...items.map((item) => item.node));
    let added = 0;
    for (const item of items) {
      const fault = fileFault(item.file);
      if (fault) item.over('bad', 'Refused', fault);
      else if (await item.send(list, options)) added += 1;
    }
    const sentence = `${added} of ${items.length} added`;
    told.replaceChildren(note(added === items.length ? 'good' : 'doubt', sentence));
    announce(sentence);
    if (added) changed();
  };
  // One batch after the other, each file by itself: the service has other callers.
  const picked = (chosen) => { queue = queue.then(() => add(chosen)); };
  return h('section', { class: 'card stack', 'aria-labelledby': 'enrol' }, h('h2', { id: 'enrol' }, 'Add people'),
    dropZone({ title: 'Drop pictures here, or choose them', hint: 'One picture, one person. The file’s name becomes the name that a hit shows.', multiple: true, picked }),
    h('details', {}, h('summary', {}, 'More'), h('div', { class: 'stack' },
      h('label', { class: 'choice' }, useKeys, h('span', {}, 'Take the files’ names as your keys, too')),
      field('Reference to their consent', consent, 'For all of these pictures; some services require it.'))),
    told, files);
}
