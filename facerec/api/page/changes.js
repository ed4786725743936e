// Changes of people, each of which can be undone: the server keeps a history of them.

import {get, path, post, query} from './api.js';
import {forgetNames, holding, inCollection} from './collection.js';
import {say} from './messages.js';

const listeners = [];
const MAX_ENTRIES = 20;

/**
 * Call something whenever people were changed. It gets the view that made the change and shows its
 * effect by itself, if one does.
 */
export const onChange = listener => listeners.push(listener);

export const listHistory = values => get(inCollection('/history') + query(values));

/** Let all views show that people were changed. */
export function tell(view = null) {
  forgetNames();
  for (const listener of listeners) listener(view);
}

const concerns = (entry, ids) => entry.steps.some(step =>
  [step.user_id, step.other_id, step.person, step.cluster_id, ...step.face_ids].some(id => ids.has(id)));

let last = Promise.resolve();
/** Resolves once no change is under way. */
export const settled = () => last;

/** Make changes one at a time, in the collection at hand when they start. */
const inTurn = work => holding(() => {
  const mine = last.then(work);
  last = mine.catch(() => {});
  return mine;
});

/**
 * Make a change of people, say so, and offer to undo it. Changes are made one at a time.
 *
 * @param work makes the change; returns what to say, and the ids of the people, faces and clusters
 *   that it concerns, by which its entries are told from those of others. Null: nothing changed.
 * @param view the view that shows the effect by itself, if one does.
 */
export const change = (work, view = null) => inTurn(async () => {
  const before = (await listHistory({limit: 1})).entries[0]?.entry_id ?? '';
  let done;
  try {
    done = await work();
  } catch (error) {
    tell(); // a part of it may be done
    throw error;
  }
  tell(view);
  if (!done) return;
  const ids = new Set(done.ids);
  const history = inCollection('/history');
  // The change is made, even if it cannot be offered to undo it.
  const entries = await listHistory({limit: MAX_ENTRIES}).then(page => page.entries, () => []);
  const own = entries.filter(entry => entry.entry_id > before && concerns(entry, ids));
  say(done.text, own.length === 0 ? null : () => undoChange(own.map(entry => entry.entry_id), history));
});

/** Undo entries of the history, of which the newest is the first. */
export const undoChange = (entryIds, history = inCollection('/history')) => inTurn(async () => {
  try {
    for (const entryId of entryIds) await post(history + path`/${entryId}/undo`);
  } finally {
    tell();
  }
  say('The change is undone.');
});
