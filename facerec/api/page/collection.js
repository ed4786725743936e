// The collection at hand, and what is known of its people.

import {RESOLVED, get, path, post, query} from './api.js';
import {at} from './dom.js';

const listeners = [];
let names = new Map();

/** Call something whenever another collection is chosen. */
export const onCollection = listener => listeners.push(listener);

export const current = () => at('collection').value;

/** Return the path of something in the collection at hand. */
export const inCollection = rest => path`collections/${current()}` + rest;

export const describe = () => get(inCollection(''));

/** Return the collection that was chosen last: in this tab, or else in another one. */
const lastChosen = () => sessionStorage.getItem('collection') || localStorage.getItem('collection');

let listing = Promise.resolve();
/** List the collections, one request at a time, and choose one; return how many there are. */
export const loadCollections = chosen => {
  listing = listing.catch(() => {}).then(() => list(chosen));
  return listing;
};

async function list(wanted) {
  const found = [];
  let token;
  do {
    const page = await get('collections' + query({limit: 1000, next_token: token}));
    // An earlier release could create collections of these names, which no address can name.
    found.push(...page.collections.map(each => each.collection_id).filter(name => !RESOLVED.includes(name)));
    token = page.next_token;
  } while (token);
  await released(); // a change stays with the collection that it started in
  const chosen = wanted || current() || lastChosen();
  at('collection').replaceChildren(
    ...found.map(name => new Option(name, name, false, name === chosen)));
  at('collection').disabled = !found.length;
  changed();
  return found.length;
}

function changed() {
  forgetNames();
  for (const storage of [sessionStorage, localStorage]) storage.setItem('collection', current());
  for (const listener of listeners) listener();
}

at('collection').addEventListener('change', changed);

let holders = 0;
const waiting = [];
const released = async () => { while (holders) await new Promise(resolve => { waiting.push(resolve); }); };

/** Do some work during which no other collection can be chosen. */
export async function holding(work) {
  holders += 1;
  for (const id of ['collection', 'create']) at(id).disabled = true;
  try {
    return await work();
  } finally {
    holders -= 1;
    for (const id of ['collection', 'create']) at(id).disabled = holders > 0;
    if (!holders) for (const goOn of waiting.splice(0)) goOn();
  }
}

/** Return people whose name or id contains a text. */
export const searchPeople = (text, limit = 20) =>
  get(inCollection('/people') + query({name_contains: text, limit})).then(page => page.people);

export const nameOf = person => person.name || person.user_id;

/** Remember the name of a person of the collection at hand, so that `personName` need not ask for it. */
export const remember = person => { names.set(person.user_id, Promise.resolve(nameOf(person))); };

/** Forget the names of people, which may have changed. */
export const forgetNames = () => { names = new Map(); };

/** Return the name of a person by the id, once it is known; the id if it cannot be. */
export function personName(userId) {
  const known = names;
  if (!known.has(userId)) {
    known.set(userId, get(inCollection(path`/people/${userId}`)).then(nameOf).catch(() => {
      known.delete(userId); // to be asked for again
      return userId;
    }));
  }
  return known.get(userId);
}

/** Return the person of a name or id; null if there is none. */
export async function personOf(text) {
  const wanted = text.normalize('NFC');
  const people = inCollection('/people'); // the collection may be another one before the last page
  let byId = null;
  let token;
  do {
    const page = await get(people + query({name_contains: wanted, limit: 500, next_token: token}));
    const named = page.people.find(each => each.name === wanted);
    if (named) return named;
    byId ??= page.people.find(each => each.user_id === wanted) ?? null;
    token = page.next_token;
  } while (token);
  return byId;
}

export const createPerson = name => post(inCollection('/people'), {name});
