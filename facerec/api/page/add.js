// The view that adds many photos, a few at a time.

import {sendPhoto} from './api.js';
import {current, onCollection} from './collection.js';
import {keepCrops} from './crops.js';
import {at, button, make, plural, removeItem, show} from './dom.js';
import {pathOf, photoName} from './file_names.js';
import {startJob} from './job_folders.js';
import {attempt, leaveFor, say} from './messages.js';
import {lookWhenShown} from './unknown.js';

const MAX_SENDING = 3;

let run = newRun();
const early = []; // files that were chosen before the collections were listed

function newRun() {
  return {collections: new Set(), waiting: [], sending: 0, total: 0, done: 0, faces: 0, known: 0, faceless: 0, failed: new Set(), stop: new AbortController()};
}

const isIdle = () => run.sending === 0 && run.waiting.length === 0;

function add(files) {
  if (!files.length) return;
  if (!current()) {
    early.push(...files);
    return;
  }
  if (isIdle()) {
    run = newRun();
    at('upload-errors').replaceChildren();
  }
  if (run.stop.signal.aborted) run.stop = new AbortController();
  const collection = current();
  run.collections.add(collection);
  const isNamed = at('add-names').checked;
  run.waiting.push(...files.map(file => ({file, collection, name: isNamed ? photoName(file) : undefined})));
  run.total += files.length;
  show('upload', true);
  fill();
}

/** Start as many uploads as may run, and show how far they are. */
function fill() {
  while (run.sending < MAX_SENDING && run.waiting.length) send(run, run.waiting.shift());
  report();
}

async function send(mine, photo) {
  mine.sending += 1;
  try {
    const indexed = await sendPhoto(
      'face-recognition/index', photo.file, {collection_id: photo.collection, photo_name: photo.name, repeat_photo: false}, mine.stop.signal);
    if (indexed.faces.length) {
      if (photo.collection === current()) await keepCrops(photo.file, indexed.faces);
      mine.faces += indexed.added;
      if (indexed.added) mine.done += 1; else mine.known += 1;
    } else {
      mine.faceless += 1;
      if (mine === run) showPhoto(photo, indexed.rejected.length ? 'No face in it is good enough.' : 'No face was found in it.');
    }
  } catch (error) {
    fail(mine, photo, error.name === 'AbortError' ? 'Stopped.' : error.message);
  } finally {
    mine.sending -= 1;
    if (mine === run) fill();
  }
}

function fail(mine, photo, why) {
  mine.failed.add(photo);
  if (mine !== run) return;
  const item = showPhoto(photo, why, button('Try again', () => {
    removeItem(item, at('upload-title'));
    retry([photo]);
  }, {'aria-label': `Try again: ${pathOf(photo.file)}`}));
  item.dataset.failed = '';
}

/** List a photo that was not added, and return its item. */
function showPhoto({file}, why, control = null) {
  const item = make('li', {class: 'row spread'},
    make('span', {class: 'grow'}, make('strong', {class: 'name'}, pathOf(file)), make('br'), make('span', {class: 'quiet'}, why)),
    control);
  at('upload-errors').append(item);
  return item;
}

function retry(photos) {
  if (run.stop.signal.aborted) run.stop = new AbortController();
  for (const photo of photos) run.failed.delete(photo);
  run.waiting.push(...photos);
  fill();
}

function report() {
  const {total, done, faces, known, faceless, failed} = run;
  const ended = done + known + faceless + failed.size;
  at('upload-progress').max = total;
  at('upload-progress').value = ended;
  at('upload-summary').textContent =
    `${done.toLocaleString('en')} of ${plural(total, 'photo')} added to ${[...run.collections].join(' and ')}, ${plural(faces, 'face')}`
    + (known ? `, ${known.toLocaleString('en')} already in the collection` : '')
    + (faceless ? `, ${faceless} without a face` : '')
    + (failed.size ? `, ${failed.size} failed.` : '.');
  at('upload-title').textContent = ended < total ? 'Adding photos …' : 'Done';
  show('upload-stop', ended < total);
  show('upload-failed', faceless + failed.size > 0);
  show('upload-retry', failed.size > 0);
  show('upload-next', ended === total && faces + known > 0);
}

at('upload-title').tabIndex = -1;
at('upload-stop').addEventListener('click', () => {
  run.stop.abort();
  for (const photo of run.waiting.splice(0)) fail(run, photo, 'Stopped.');
  report();
  at('upload-title').focus();
});
at('upload-retry').addEventListener('click', () => {
  for (const item of at('upload-errors').querySelectorAll('[data-failed]')) item.remove();
  retry([...run.failed]);
  at('upload-title').focus();
});
at('add-files').addEventListener('change', event => {
  add([...event.target.files]);
  event.target.value = '';
});
at('upload-next').addEventListener('click', lookWhenShown);
at('job').addEventListener('submit', event => {
  event.preventDefault();
  attempt(async () => {
    await startJob({
      collection_id: current(), bucket: at('job-bucket').value.trim(), prefix: at('job-prefix').value.trim(),
    });
    const text = 'The job is started.';
    if (at('add').hidden) say(text); else leaveFor('#/activity', text);
  }, at('job').querySelector('button'));
});
addEventListener('beforeunload', event => { if (!isIdle()) event.preventDefault(); });
onCollection(() => {
  if (isIdle()) show('upload', false);
  if (current()) add(early.splice(0));
});

export const addView = {show: () => {}, drop: add};
