// What the page tells its user: one message at a time, and questions.

import {at, show} from './dom.js';
import {returnFocus} from './focus.js';

const SHOWN_SECONDS = 10;

let undoing = null;
let timer = null;
let next = '';

/**
 * Show a message. With `undo`, a button takes back what the message is about; without, the message
 * goes after a while, since it covers a part of the view.
 */
export function say(text, undo = null) {
  at('problem').textContent = '';
  at('status').textContent = at('status').title = text;
  undoing = undo;
  show('undo', undo !== null);
  show('toast', text !== '');
  at('toast').classList.remove('error');
  clearTimeout(timer);
  if (text && !undo) timer = setTimeout(() => { if (!at('toast').contains(document.activeElement)) say(''); }, 1000 * SHOWN_SECONDS);
}

/** Go to another view, and show a message there. With `forget`, there is no way back to this one. */
export function leaveFor(hash, text, forget = false) {
  next = text;
  if (forget) location.replace(hash); else location.hash = hash;
}

/** Show the message that waits for the view, or none. */
export function sayNext() {
  say(next);
  next = '';
}

/** Show what went wrong. */
export function complain(text) {
  say('');
  at('problem').textContent = text;
  show('toast', true);
  at('toast').classList.add('error');
}

/** Take back an error that has passed, if it is still shown. */
export function withdraw(text) {
  if (text && at('problem').textContent === text) say('');
}

/** Return a button and the others of its card, which takes one action at a time. */
function buttonsWith(control) {
  const card = control.closest('.card, .actions');
  return card ? [...card.querySelectorAll('button')].filter(each => !each.disabled) : [control];
}

/**
 * Run something for the user, and show what goes wrong. The button for it is off until it has ended,
 * and so are the others of its card.
 */
export async function attempt(work, control = null) {
  const hadFocus = control && control === document.activeElement;
  const off = control ? buttonsWith(control) : [];
  for (const each of off) each.disabled = true;
  if (control) withdraw(at('problem').textContent); // it was about something earlier
  try {
    await work();
  } catch (error) {
    if (error.name !== 'AbortError' && error.message) complain(error.message);
  } finally {
    for (const each of off) each.disabled = false;
    if (hadFocus && document.activeElement === document.body) {
      if (control.checkVisibility()) control.focus(); else returnFocus();
    }
  }
}

/** Undo the change of the message that is shown, if it can be undone. */
export async function undoLast() {
  const undo = undoing;
  if (!undo) return;
  undoing = null;
  await attempt(undo, at('undo'));
}

/** Ask a question that is answered by yes or no. */
export async function confirmed(text, yes, dangerous = false) {
  return (await ask(text, {yes, dangerous})) !== null;
}

/** Ask for a text; null if the user cancels. */
export const asked = (text, label, {pattern, title, yes}) => ask(text, {label, pattern, title, yes});

let asking = Promise.resolve();
/** Ask once all earlier questions are answered. */
function ask(text, options) {
  asking = asking.then(() => put(text, options));
  return asking;
}

function put(text, {label, pattern, title, yes, dangerous}) {
  const dialog = at('question');
  const answer = at('question-answer');
  at('question-text').textContent = text;
  at('question-label').textContent = label || '';
  at('question-yes').textContent = yes;
  at('question-yes').className = dangerous ? 'danger' : 'primary';
  show('question-field', Boolean(label));
  answer.value = '';
  answer.required = Boolean(label);
  if (pattern) answer.pattern = pattern; else answer.removeAttribute('pattern');
  answer.title = title || '';
  dialog.returnValue = 'no';
  dialog.showModal();
  (label ? answer : at('question-no')).focus();
  return new Promise(resolve => {
    dialog.addEventListener('close', () => {
      resolve(dialog.returnValue === 'yes' ? answer.value.trim() : null);
    }, {once: true});
  });
}

// Return in the field means yes, though the first button of the form is the other one.
at('question-answer').addEventListener('keydown', event => {
  if (event.key !== 'Enter') return;
  event.preventDefault();
  at('question').querySelector('form').requestSubmit(at('question-yes'));
});
at('undo').addEventListener('click', undoLast);
at('close').addEventListener('click', () => { say(''); at('main').focus(); });
