// The view that shows who is in a photo, and names its faces.

import {sendPhoto} from './api.js';
import {storedFaces} from './boxes.js';
import {onChange} from './changes.js';
import {current, describe, onCollection, personName} from './collection.js';
import {isNamed, keepCrops} from './crops.js';
import {at, isAt, plural, show} from './dom.js';
import {photoName} from './file_names.js';
import {attempt, say} from './messages.js';
import {checkOwners, probeFace} from './probe_face.js';
import {drawBoxes, openPhoto} from './photo.js';
import {meaning} from './similarity.js';
import {turns} from './turns.js';

const LIMIT = 100;
const MAX_LIMIT = 4096;

let photo = null;
let shown = []; // the faces of the photo
let visible = false;
let hasThreshold = false; // whether the slider has the threshold of the collection, or the user's
const searches = turns();
const thresholds = turns();
let mine = searches.begin(); // the search that is shown

const OPTIONS = ['smallest_face', 'min_confidence', 'quality_filter'];

/** Return the options that were given; the server has defaults for the others. */
const options = () => Object.fromEntries(OPTIONS.map(name => [name, at(name).value]).filter(([, value]) => value));

function showThreshold() {
  const threshold = Number(at('threshold').value);
  at('least').textContent = threshold.toFixed(2);
  at('least-meaning').textContent = meaning(threshold);
}

async function search(limit = at('limit').value || LIMIT) {
  const passOn = mine = searches.begin();
  say('');
  show('match-busy', true);
  show('result', false);
  try {
    const opened = openPhoto(photo);
    const result = await passOn(sendPhoto('face-recognition/match', photo, {
      // without a threshold, the server takes that of the collection
      collection_id: current(), threshold: hasThreshold ? at('threshold').value : undefined, limit, ...options(),
    }));
    present(await passOn(opened), result, limit);
  } finally {
    if (passOn.counts()) show('match-busy', false);
  }
}

function present(image, result, limit) {
  show('result', true);
  at('drop').classList.add('compact');
  const items = result.faces.map((face, index) => probeFace(image, face, index, {
    threshold: result.threshold,
    more: limit < MAX_LIMIT ? () => attempt(() => search(MAX_LIMIT)) : null,
  }));
  drawBoxes(image, result, index => {
    items[index].element.scrollIntoView({block: 'nearest'});
    items[index].element.focus();
  });
  shown = items;
  at('probe-faces').replaceChildren(...items.map(each => each.element));
  show('index', true);
  const known = result.faces.filter(face => face.decision === 'match' && isNamed(face.candidates[0].face)).length;
  const rejected = result.rejected.length ? `, ${result.rejected.length} rejected` : '';
  if (visible) say(`${plural(result.faces.length, 'face')}, ${known} known${rejected}.`);
  at('index').onsubmit = event => {
    event.preventDefault();
    attempt(() => addFaces(result, items), at('index').querySelector('button'));
  };
}

async function addFaces(result, items) {
  const {counts} = mine;
  const file = photo;
  const indexed = await sendPhoto('face-recognition/index', file, {
    collection_id: result.collection_id, external_image_id: at('external').value,
    repeat_photo: at('external').value !== '', // a photo with another name of its own is another one
    photo_name: at('index-names').checked ? photoName(file) : undefined, ...options(),
  });
  const faces = storedFaces(result.faces, indexed.faces);
  await keepCrops(file, indexed.faces);
  const names = await Promise.all(faces.map(stored => stored?.user_id ? personName(stored.user_id) : null));
  if (!counts()) { // another photo is shown by now
    say(`${plural(indexed.faces.length, 'face')} of the earlier photo ${indexed.faces.length === 1 ? 'is' : 'are'} in the collection.`);
    return;
  }
  for (const [index, stored] of faces.entries()) if (stored) items[index].nowStored(stored, names[index]);
  const first = items.find((item, index) => faces[index] && !faces[index].user_id);
  show('index', false);
  say(`${plural(indexed.faces.length, 'face is', 'faces are')} ${indexed.added || !indexed.faces.length ? '' : 'already '}in the collection${indexed.rejected.length ? `, ${indexed.rejected.length} rejected` : ''}. Say whom they show.`);
  if (isAt(at('index'))) (first?.element.querySelector('.naming input') || at('result-title')).focus();
}

function take(file) {
  if (!file) return;
  photo = file;
  at('external').value = '';
  attempt(() => search());
}

async function readThreshold() {
  if (hasThreshold || !current()) return;
  const described = await thresholds.begin()(describe());
  if (hasThreshold) return; // the user was faster
  hasThreshold = true;
  at('threshold').value = described.threshold ?? at('threshold').defaultValue;
  showThreshold();
}

export const matchView = {
  show: () => { visible = true; attempt(readThreshold); },
  hide: () => { visible = false; thresholds.end(); },
  drop: files => take(files[0]),
};

onChange(() => attempt(() => checkOwners(shown)));
onCollection(() => {
  hasThreshold = false;
  thresholds.end();
  shown = [];
  searches.end();
  show('result', false);
  show('match-busy', false);
  if (visible) attempt(readThreshold);
  if (photo && current()) attempt(() => search());
});

const again = event => {
  if (photo && event.target.reportValidity()) attempt(() => search());
};
at('file').addEventListener('change', event => { take(event.target.files[0]); event.target.value = ''; });
at('threshold').addEventListener('input', () => {
  hasThreshold = true;
  showThreshold();
});
for (const name of ['threshold', 'limit', ...OPTIONS]) at(name).addEventListener('change', again);
showThreshold();
