// The view of one person: faces, photos, and what can be changed.

import {get, path, post, put, query, remove} from './api.js';
import {change, onChange} from './changes.js';
import {inCollection, nameOf, onCollection, personOf, remember} from './collection.js';
import {nameElement, picture, sourceElement} from './crops.js';
import {at, make, plural, show} from './dom.js';
import {attempt, confirmed, leaveFor} from './messages.js';
import {faceButton, personForm} from './naming.js';
import {similarityElement} from './similarity.js';

const PAGE = 48;
const DOUBTS = {
  LESS_SIMILAR: 'less similar than is usual for this collection',
  AMBIGUOUS: 'resembles somebody else about as much',
  OTHER_PERSON: 'belongs to somebody else',
};

let userId = null;
let visible = false;
let turn = 0;
let titled = () => {}; // called once the heading has the name

const ofPerson = (id, rest = '') => inCollection(path`/people/${id}` + rest);

async function load() {
  const mine = ++turn;
  const person = await get(ofPerson(userId));
  if (mine !== turn) return;
  remember(person);
  const name = nameOf(person);
  at('person-title').textContent = name;
  if (visible) document.title = `${name} – facerec`;
  titled();
  at('person-facts').textContent = `${plural(person.face_count, 'face')} · id ${person.user_id} · since ${person.created_at.slice(0, 10)}`;
  at('rename-name').value = person.name || '';
  at('person-faces').replaceChildren(...person.face_ids.map((faceId, index) => faceItem(name, faceId, index)));
  show('person-empty', !person.face_ids.length);
  for (const id of ['found', 'doubtful']) at(id).replaceChildren();
  show('doubtful-part', false);
  show('more-found', false);
  if (!person.face_ids.length) return;
  show('found-busy', true);
  try {
    await Promise.all([find('found', mine), find('doubtful', mine)]);
  } finally {
    if (mine === turn) show('found-busy', false);
  }
}

/** List faces that show the person, or those that are doubtful. */
async function find(list, mine, token = null) {
  const page = await get(ofPerson(userId, '/photos') + query({limit: PAGE, doubtful: list === 'doubtful', next_token: token}));
  if (mine !== turn) return;
  at(list).append(...page.matches.map(foundItem));
  if (list === 'doubtful') show('doubtful-part', at(list).children.length > 0);
  const more = at(`more-${list}`);
  more.hidden = page.next_token === null;
  more.onclick = () => attempt(() => find(list, mine, page.next_token), more);
}

const foundItem = match => make('li', {class: 'card tile'},
  picture(match.face.face_id, `Face of ${match.face.person_name || match.face.user_id || 'a person without a name'}`),
  nameElement(match.face),
  sourceElement(match.face),
  similarityElement(match.similarity, {words: false}),
  match.doubt && make('span', {class: 'quiet'}, DOUBTS[match.doubt] || match.doubt));

function faceItem(name, faceId, index) {
  const id = userId; // the view may show somebody else before an answer comes
  return make('li', {class: 'card tile'},
    picture(faceId, `Face ${index + 1} of ${name}`),
    faceButton('Remove', `face ${index + 1} of ${name}`, event => attempt(() => change(async () => {
      await remove(ofPerson(id, path`/faces/${faceId}`));
      at('person-title').focus();
      return {text: `The face no longer belongs to ${name}.`, ids: [id, faceId]};
    }), event.target)));
}

at('rename').addEventListener('submit', event => {
  event.preventDefault();
  const id = userId;
  const name = at('rename-name').value.trim().normalize('NFC');
  attempt(async () => {
    if (name || await confirmed(`Remove the name ${at('person-title').textContent}? The person then has only an id.`, 'Remove')) await rename(id, name);
  }, at('rename').querySelector('button'));
});

const rename = (id, name) => change(async () => {
  const person = name
    ? await put(ofPerson(id, '/name'), {name})
    : await remove(ofPerson(id, '/name'));
  return {text: name ? `The name is now ${nameOf(person)}.` : 'The name is removed.', ids: [id]};
});

const merging = personForm({
  label: 'Is also', yes: 'Merge …',
  submit: (text, send) => attempt(async () => {
    const id = userId;
    const name = at('person-title').textContent;
    const other = await personOf(text);
    if (!other) throw new Error(`Nobody is called ${text}.`);
    if (other.user_id === id) throw new Error('This is the same person. Give the name of another one.');
    if (!await confirmed(`Add the ${plural(other.face_count, 'face')} of ${nameOf(other)} to ${name}? ${nameOf(other)} is then no longer a person of its own.`, 'Merge')) return;
    await change(async () => {
      await post(ofPerson(id, '/merge'), {other_id: other.user_id});
      merging.reset();
      return {text: `${nameOf(other)} is now part of ${name}.`, ids: [id, other.user_id]};
    });
  }, send),
});
merging.id = 'merge';
at('merge').replaceWith(merging);

at('delete-person').addEventListener('click', () => attempt(async () => {
  const id = userId;
  const name = at('person-title').textContent;
  if (!await confirmed(`Delete ${name}? The faces stay in the collection without a person. This cannot be undone.`, 'Delete', true)) return;
  await remove(ofPerson(id));
  if (!visible || id !== userId) return;
  turn += 1;
  leaveFor('#/people', `${name} is deleted; the faces stay.`, true);
}));

const renew = () => {
  if (!visible) return;
  attempt(() => load().catch(error => {
    if (error.status !== 404) throw error;
    if (!visible) return;
    leaveFor('#/people', 'This person is not in the collection.', true); // not created after all, merged or deleted
  })).then(titled);
};
onChange(renew);
onCollection(() => { if (visible) location.hash = '#/people'; });
at('person-title').tabIndex = -1;

export const personView = {
  show: id => {
    userId = id;
    visible = true;
    at('person-title').textContent = 'Person';
    at('person-facts').textContent = '';
    for (const list of ['person-faces', 'found', 'doubtful']) at(list).replaceChildren();
    return new Promise(resolve => { titled = resolve; renew(); });
  },
  hide: () => { visible = false; turn += 1; },
};
