// Lists that go on: their rows come a page at a time.

import { call } from './api.js';
import { h, note, table, whileBusy } from './dom.js';
import { problemNote } from './signin.js';

/**
 * A table with the button that brings more of it. `filters` gives what to ask for, `row` makes one row, `empty` is what to
 * say where there are none, and `shown` is told how many there are. `load(true)` begins from the start.
 */
export function paged({ path, filters = () => ({}), size, id, columns, row, empty, shown = () => {} }) {
  const rows = h('tbody', {});
  const told = h('div', {});
  const more = h('button', { type: 'button', hidden: true, onclick: () => load(false) }, 'Show more');
  let cursor = null;
  let asked = 0;
  const load = async (isFirst) => {
    asked += 1;
    const turn = asked;
    const parameters = new URLSearchParams(filters());
    parameters.set('limit', String(size));
    if (!isFirst && cursor) parameters.set('cursor', cursor);
    try {
      const { body } = await whileBusy(more, 'Loading', () => call('GET', `${path}?${parameters}`));
      // Something else was asked for in the meantime.
      if (turn !== asked) return;
      cursor = body.next_cursor;
      more.hidden = !cursor;
      if (isFirst) rows.replaceChildren();
      rows.append(...body.items.map(row));
      told.replaceChildren(rows.children.length ? '' : note('', ...empty));
      shown(rows.children.length);
    } catch (problem) {
      told.replaceChildren(problemNote(problem));
    }
  };
  return { nodes: [told, table(columns, rows, { class: 'cards', id }), more], load };
}
