// The view of one person: faces, photos, and what can be changed.

import {get, path, post, put, query, remove} from './api.js';
import {change, onChange, tell} from './changes.js';
import {holding, inCollection, nameOf, onCollection, personOf, remember} from './collection.js';
import {nameElement, picture, sourceElement} from './crops.js';
import {at, isAt, make, plural, show} from './dom.js';
import {keepFocus} from './focus.js';
import {attempt, confirmed, leaveFor, say} from './messages.js';
import {faceButton, personForm} from './naming.js';
import {similarityElement} from './similarity.js';
import {turns} from './turns.js';

const PAGE = 48;
const VIEW = 'person';
const DOUBTS = {
  LESS_SIMILAR: 'less similar than is usual for this collection',
  AMBIGUOUS: 'resembles somebody else about as much',
  OTHER_PERSON: 'belongs to somebody else',
};

let userId = null; // whom the address names
let person = null; // this person; null until they are loaded
let visible = false;
let titled = () => {}; // called once the heading has the name

const ofPerson = (id, rest = '') => inCollection(path`/people/${id}` + rest);

const {begin, end} = turns();
const isShown = id => visible && id === userId;

async function load() {
  const passOn = begin();
  const before = person;
  person = await passOn(get(ofPerson(userId)));
  remember(person);
  const name = nameOf(person);
  at('person-title').textContent = name;
  if (visible) document.title = `${name} – facerec`;
  titled();
  at('person-facts').textContent = `${plural(person.face_count, 'face')} · id ${person.user_id} · since ${person.created_at.slice(0, 10)}`;
  // A name that is half typed stays.
  if (!before || [before.name, person.name].includes(typedName() || null)) at('rename-name').value = person.name || '';
  at('person-actions').disabled = false;
  const items = person.face_ids.map((faceId, index) => faceItem(name, faceId, index));
  keepFocus(at('person-faces'), () => at('person-faces').replaceChildren(...items));
  show('person-empty', !person.face_ids.length);
  for (const id of ['found', 'doubtful']) keepFocus(at(id), () => at(id).replaceChildren());
  show('doubtful-part', false);
  show('more-found', false);
  if (!person.face_ids.length) return;
  show('found-busy', true);
  try {
    await Promise.all([find('found', passOn), find('doubtful', passOn)]);
  } finally {
    if (passOn.counts()) show('found-busy', false);
  }
}

/** List faces that show the person, or those that are doubtful. */
async function find(list, passOn, token = null) {
  const page = await passOn(get(ofPerson(userId, '/photos') + query({limit: PAGE, doubtful: list === 'doubtful', next_token: token})));
  at(list).append(...page.matches.map(foundItem));
  if (list === 'doubtful') show('doubtful-part', at(list).children.length > 0);
  const more = at(`more-${list}`);
  more.hidden = page.next_token === null;
  more.onclick = () => attempt(() => find(list, passOn, page.next_token), more);
}

const foundItem = match => make('li', {class: 'card tile'},
  picture(match.face.face_id, `Face of ${match.face.person_name || match.face.user_id || 'a person without a name'}`),
  nameElement(match.face),
  sourceElement(match.face),
  similarityElement(match.similarity, {words: false}),
  match.doubt && make('span', {class: 'quiet'}, DOUBTS[match.doubt] || match.doubt));

function faceItem(name, faceId, index) {
  const id = userId; // the view may show somebody else before an answer comes
  const item = make('li', {class: 'card tile', 'data-key': faceId},
    picture(faceId, `Face ${index + 1} of ${name}`),
    faceButton('Remove', `face ${index + 1} of ${name}`, event => attempt(() => change(async () => {
      await remove(ofPerson(id, path`/faces/${faceId}`));
      if (isShown(id) && isAt(item)) at('person-title').focus();
      return {text: `The face no longer belongs to ${name}.`, ids: [id, faceId]};
    }), event.target)));
  return item;
}

const typedName = () => at('rename-name').value.trim().normalize('NFC');
at('rename').addEventListener('submit', event => {
  event.preventDefault();
  const id = person.user_id;
  const before = nameOf(person);
  const name = typedName();
  attempt(async () => {
    if (name || await confirmed(`Remove the name ${before}? The person then has only an id.`, 'Remove')) await rename(id, name);
  }, at('rename').querySelector('button'));
});

const rename = (id, name) => change(async () => {
  const renamed = name
    ? await put(ofPerson(id, '/name'), {name})
    : await remove(ofPerson(id, '/name'));
  return {text: name ? `The name is now ${nameOf(renamed)}.` : 'The name is removed.', ids: [id]};
});

const merging = personForm({
  label: 'Is also', yes: 'Merge …',
  submit: (text, send) => attempt(async () => {
    const id = person.user_id;
    const name = nameOf(person);
    const other = await personOf(text);
    if (!other) throw new Error(`Nobody is called ${text}.`);
    if (other.user_id === id) throw new Error('This is the same person. Name somebody else.');
    if (!isShown(id)) return; // no question about a view that was left
    if (!await confirmed(`Add the ${plural(other.face_count, 'face')} of ${nameOf(other)} to ${name}? ${nameOf(other)} is then no longer a separate person.`, 'Merge')) return;
    await change(async () => {
      await post(ofPerson(id, '/merge'), {other_id: other.user_id});
      if (isShown(id)) merging.reset();
      return {text: `${nameOf(other)} is now part of ${name}.`, ids: [id, other.user_id]};
    });
  }, send),
});
merging.id = 'merge';
at('merge').replaceWith(merging);

at('delete-person').addEventListener('click', () => attempt(async () => {
  const id = person.user_id;
  const name = nameOf(person);
  if (!await confirmed(`Delete ${name}? The faces stay in the collection without a person. This cannot be undone.`, 'Delete', true)) return;
  await holding(() => remove(ofPerson(id)));
  const isHere = isShown(id);
  if (isHere) end();
  tell(isHere ? VIEW : null);
  const text = `${name} is deleted; the faces stay.`;
  if (isHere) leaveFor('#/people', text, true); else say(text);
}, at('delete-person')));

const renew = () => {
  if (!visible) return;
  const mine = titled; // the heading may soon be that of somebody else
  if (!person) at('person-facts').textContent = 'Loading …';
  attempt(() => load().catch(error => {
    if (error.message && !person) at('person-facts').textContent = '';
    if (error.status !== 404) throw error;
    leaveFor('#/people', 'This person is not in the collection.', true); // not created after all, merged or deleted
  })).then(mine);
};
onChange(view => { if (view !== VIEW) renew(); });
onCollection(() => {
  if (!visible) return;
  forgetPerson();
  location.hash = '#/people';
});
at('person-title').tabIndex = -1;

/** Show nobody, until somebody is loaded. */
function forgetPerson() {
  end();
  person = null;
  at('person-actions').disabled = true;
  merging.reset();
  at('person-title').textContent = 'Person';
  for (const id of ['person-facts', 'person-faces', 'found', 'doubtful']) at(id).replaceChildren();
  for (const id of ['person-empty', 'found-busy', 'more-found', 'doubtful-part']) show(id, false);
  at('rename-name').value = '';
}

export const personView = {
  show: id => {
    userId = id;
    visible = true;
    forgetPerson();
    return new Promise(resolve => { titled = resolve; renew(); });
  },
  hide: () => { visible = false; end(); },
};
