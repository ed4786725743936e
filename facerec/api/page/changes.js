// Changes of people, each of which can be undone: the server keeps a history of them.

import {get, path, post, query} from './api.js';
import {holding, inCollection} from './collection.js';
import {say} from './messages.js';

const listeners = [];
const MAX_ENTRIES = 20;

/** Call something whenever people were changed. */
export const onChange = listener => listeners.push(listener);

export const listHistory = values => get(inCollection('/history') + query(values));

const tell = () => { for (const listener of listeners) listener(); };

const concerns = (entry, ids) => entry.steps.some(step =>
  [step.user_id, step.other_id, step.person, step.cluster_id, ...step.face_ids].some(id => ids.has(id)));

/**
 * Make a change of people, say so, and offer to undo it.
 *
 * @param work makes the change; returns what to say, and the ids of the people, faces and clusters
 *   that it concerns, by which its entries are told from those of others. Null: nothing changed.
 */
export const change = work => holding(async () => {
  const before = (await listHistory({limit: 1})).entries[0]?.entry_id ?? '';
  let done;
  try {
    done = await work();
  } finally {
    tell();
  }
  if (!done) return;
  const ids = new Set(done.ids);
  const {entries} = await listHistory({limit: MAX_ENTRIES});
  const own = entries.filter(entry => entry.entry_id > before && concerns(entry, ids));
  const history = inCollection('/history'); // the collection may be another one by then
  say(done.text, own.length === 0 ? null : () => undoChange(own.map(entry => entry.entry_id), history));
});

/** Undo entries of the history, of which the newest is the first. */
export async function undoChange(entryIds, history = inCollection('/history')) {
  try {
    for (const entryId of entryIds) await post(history + path`/${entryId}/undo`);
  } finally {
    tell();
  }
  say('The change is undone.');
}
