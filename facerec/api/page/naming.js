// Says whom faces show: the field for a person, and what follows.

import {get, path, post, put, query, remove} from './api.js';
import {change} from './changes.js';
import {createPerson, inCollection, nameOf, personName, personOf, searchPeople} from './collection.js';
import {button, make, newId, plural} from './dom.js';
import {confirmed} from './messages.js';
import {turns} from './turns.js';

const PAUSE = 200;
const MAX_FACES = 100; // of a request

/** Return a form with a field that suggests people, and a button. */
export function personForm({label, yes, value = '', submit}) {
  const id = newId('person');
  const list = make('datalist', {id: `${id}-list`});
  const input = make('input', {id, list: list.id, required: true, maxlength: 255, autocomplete: 'off', placeholder: 'Name'});
  input.value = value;
  const {begin} = turns();
  let timer;
  const suggest = () => begin()(searchPeople(input.value.trim())).then(
    people => list.replaceChildren(...people.map(person => new Option('', nameOf(person)))),
    () => {}); // the name can be typed without suggestions
  input.addEventListener('focus', suggest, {once: true});
  input.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(suggest, PAUSE); });
  const send = make('button', {class: 'primary'}, yes);
  return make('form', {
    class: 'row naming',
    submit: event => {
      event.preventDefault();
      submit(input.value.trim().normalize('NFC'), send);
    },
  }, make('label', {for: id}, label), input, list, send);
}

/** Return the person of an id, or else of a name, who is created if necessary. */
async function personFor(name, userId) {
  if (userId) return {person: await get(inCollection(path`/people/${userId}`)), isNew: false};
  const person = await personOf(name);
  return person ? {person, isNew: false} : {person: await createPerson(name), isNew: true};
}

const add = (person, faceIds, minSimilarity) => post(
  inCollection(path`/people/${person.user_id}/faces`),
  {face_ids: faceIds, ...(minSimilarity === undefined ? {} : {min_similarity: minSimilarity})});

/** Give faces to a person in requests of at most as many faces as the server takes. */
async function addAll(person, faceIds, minSimilarity) {
  const result = {changed: [], failed: []};
  for (let start = 0; start < faceIds.length; start += MAX_FACES) {
    const part = await add(person, faceIds.slice(start, start + MAX_FACES), minSimilarity);
    result.changed.push(...part.changed);
    result.failed.push(...part.failed);
  }
  return result;
}

/**
 * Give faces to the person of a name. Asks before a face moves from somebody else, and before one
 * that hardly resembles the person is added.
 *
 * @param userId the id of the person, if it is known; the name may be that of somebody else too.
 * @param others faces that were checked and show somebody else.
 * @param view the view that shows by itself to whom the faces were given, if one does.
 * @returns the person, or null if no face was given to anybody.
 */
export async function giveFaces(name, faceIds, {userId = null, others = [], view = null} = {}) {
  let given = null;
  await change(async () => {
    const {person, isNew} = await personFor(name, userId);
    const result = await addAll(person, faceIds);
    const changed = [...result.changed];
    const taken = result.failed.filter(each => each.user_id);
    if (taken.length && await confirmed(
      `${plural(taken.length, 'face belongs', 'faces belong')} to ${await personName(taken[0].user_id)}. Give to ${name} instead?`, 'Yes, move')) {
      for (const each of taken) await remove(inCollection(path`/people/${each.user_id}/faces/${each.face_id}`));
      changed.push(...(await addAll(person, taken.map(each => each.face_id), 0)).changed);
    }
    const unlike = result.failed.filter(each => each.similarity !== undefined);
    if (unlike.length && await confirmed(
      `${plural(unlike.length, 'face hardly resembles', 'faces hardly resemble')} the others of ${name} (similarity ${unlike[0].similarity.toFixed(2)}). Add anyway?`, 'Add anyway')) {
      changed.push(...(await addAll(person, unlike.map(each => each.face_id), 0)).changed);
    }
    const wasGiven = changed.length > 0 || !result.failed.length;
    if (!wasGiven) {
      if (isNew) await remove(inCollection(path`/people/${person.user_id}`));
      const [first] = result.failed;
      if (!first.user_id && first.similarity === undefined) {
        throw new Error(first.reasons.length ? 'This face is no longer in the collection.' : `${name} has the maximum number of faces.`);
      }
      return null;
    }
    given = person;
    await notSame(others, person.user_id);
    const text = changed.length
      ? `${plural(changed.length, 'face')} given to ${nameOf(person)}${isNew ? ', a new person' : ''}.`
      : `${nameOf(person)} has this face already.`;
    return {text, ids: [person.user_id, ...faceIds, ...others]};
  }, view);
  return given;
}

/** State that faces do not show a person. */
export const notSame = (faceIds, person) => Promise.all(
  faceIds.map(face => put(inCollection(path`/faces/${face}/not-same/${person}`))));

/** Delete a face for good, even one of a person. */
export const deleteFace = faceId =>
  remove(inCollection(path`/faces/${faceId}`) + query({disassociate: true}));

/** Return a small button about one face. */
export const faceButton = (text, what, click) =>
  button(text, click, {class: 'small', 'aria-label': `${text}: ${what}`});
