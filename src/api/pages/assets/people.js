// The people on a list: who they are, taking them off, changing them, and giving them further faces.

import { call, newKey, session } from './api.js';
import { announce, confirmed, field, h, note, whileBusy } from './dom.js';
import { paged } from './paging.js';
import { dropZone, fileFault, onDrop } from './pictures.js';
import { problemNote } from './signin.js';
import { brief, when } from './words.js';

const PAGE = 50;

function nameOf(person) {
  return person.display_name ?? person.external_id ?? brief(person.id);
}

/** An instant as the field for it wants it: in the time of the place, without the seconds. */
function localTime(text) {
  if (!text) return '';
  const at = new Date(text);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** Enrols a further face of a person; gives what to say of it. */
async function addFace(path, person, file) {
  const fault = fileFault(file);
  if (fault) return note('bad', fault);
  const form = new FormData();
  form.set('image', file);
  try {
    const { body } = await call('POST', `${path}/${person.id}/faces`, { form, key: newKey() });
    const [twin] = body.duplicate_of ?? [];
    const doubt = twin && `It looks like ${twin.external_id ?? brief(twin.subject_id)}, too.`;
    return note(doubt ? 'doubt' : 'good', `A face is added to ${nameOf(person)}`, doubt);
  } catch (problem) {
    return problemNote(problem);
  }
}

/** Asks in a dialog what is to be different about a person. `changed` is called after each thing that is. */
function edit(path, person, changed) {
  const told = h('div', {});
  const name = h('input', { type: 'text', maxlength: 200, value: person.display_name ?? '', autocomplete: 'off', id: 'person-name' });
  const until = h('input', { type: 'datetime-local', value: localTime(person.valid_until), id: 'person-until' });
  const keep = h('button', { type: 'submit', class: 'main', id: 'keep-person' }, 'Keep the changes');
  const submit = async (event) => {
    event.preventDefault();
    const json = {};
    const named = name.value.trim() || null;
    if (named !== person.display_name) json.display_name = named;
    if (until.value !== localTime(person.valid_until)) json.valid_until = until.value ? new Date(until.value).toISOString() : null;
    try {
      await whileBusy(keep, 'Keeping them', () => call('PATCH', `${path}/${person.id}`, { json }));
      dialog.close();
      await changed();
    } catch (problem) {
      told.replaceChildren(problemNote(problem));
    }
  };
  const zone = dropZone({
    title: 'Add a picture of this person', hint: 'Choose one, or drop it here: it makes a further face.',
    picked: async ([file]) => {
      told.replaceChildren(h('p', { class: 'row busy', role: 'status' }, `Adding ${file.name}`));
      told.replaceChildren(await addFace(path, person, file));
      await changed();
    },
  });
  const dialog = h('dialog', { 'aria-labelledby': 'person-title', onclose: () => dialog.remove() },
    h('form', { class: 'stack', onsubmit: submit }, h('h2', { id: 'person-title' }, nameOf(person)), told,
      field('Name', name, 'What a hit shows.'), field('On the list until', until, 'Empty: without end.'), zone,
      h('div', { class: 'row' }, keep, h('button', { type: 'button', onclick: () => dialog.close() }, 'Close'))));
  document.body.append(dialog);
  dialog.showModal();
}

/** The people of a list, a page at a time. */
export function people(list) {
  const path = `watchlists/${list.id}/subjects`;
  const told = h('div', { role: 'status' });
  const failed = (problem) => told.replaceChildren(problemNote(problem));
  const remove = async (person, row) => {
    const name = nameOf(person);
    if (!await confirmed(`Take ${name} off the list?`, 'All of their faces go, too, for good.', 'Take off')) return;
    await call('DELETE', `${path}/${person.id}`);
    row.remove();
    announce(`${name} is off the list`);
  };
  const row = (person) => {
    const name = nameOf(person);
    const mayWrite = session.has('watchlist:write');
    const redraw = async () => {
      const { body } = await call('GET', `${path}/${person.id}`);
      const anew = row(body);
      cells.replaceWith(anew);
      cells = anew;
    };
    const change = mayWrite && h('button', { type: 'button', class: 'plain change', 'aria-label': `Change ${name}`, onclick: () => edit(path, person, redraw) }, 'Change');
    const off = mayWrite && h('button', { type: 'button', class: 'plain off', 'aria-label': `Take ${name} off the list`, onclick: () => remove(person, cells).catch(failed) }, 'Take off');
    let cells = h('tr', {}, h('td', { 'data-label': 'Name' }, h('strong', {}, name)), h('td', { 'data-label': 'Key' }, person.external_id ?? '–'),
      h('td', { 'data-label': 'Faces' }, String(person.faces.length)), h('td', { 'data-label': 'Added' }, when(person.created_at)),
      h('td', { 'data-label': 'Until' }, person.valid_until ? when(person.valid_until) : '–'), h('td', { class: 'act' }, change, off));
    if (mayWrite) {
      onDrop(cells, async ([file]) => {
        if (!file) return;
        told.replaceChildren(h('p', { class: 'row busy' }, `Adding ${file.name} to ${name}`));
        told.replaceChildren(await addFace(path, person, file));
        await redraw().catch(failed);
      });
    }
    return cells;
  };
  const onIt = paged({
    path, size: PAGE, id: 'subjects', row,
    columns: ['Name', 'Key', 'Faces', 'Added', 'Until', ''],
    empty: ['Nobody is on the list yet'],
  });
  const hint = session.has('watchlist:write') && h('p', { class: 'muted small' }, 'Drop a picture on a person to give them a further face, or press “Change”.');
  const node = h('section', { class: 'card stack', 'aria-labelledby': 'people' }, h('h2', { id: 'people' }, 'Who is on it'), hint, told, onIt.nodes);
  return { node, load: () => onIt.load(true) };
}
