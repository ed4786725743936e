// What the files of photos are called, here and in the collection.

const MAX_LENGTH = 1000;
// Characters that the server refuses in names, since nobody can see them.
const UNSHOWN = /[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|\p{Cs}/gu;
const paths = new WeakMap(); // of files that were dropped in a folder

/** Keep where a file is in the folder that was dropped. */
export const keepPath = (file, path) => { paths.set(file, path.replace(/^\//, '')); };

/** Return the name of a file, with its folders as far as the browser names them. */
export const pathOf = file => paths.get(file) || file.webkitRelativePath || file.name;

/** Return the name of a file as the server takes it; nothing if no character can be shown. */
export const photoName = file =>
  [...pathOf(file).normalize('NFC').replace(UNSHOWN, '')].slice(-MAX_LENGTH).join('').trim() || undefined;

/** Return the end of the name of a face's photo: the file and the folder that it is in. */
export const shortName = source =>
  source.replace(/^(s3:\/\/[^/]*|upload:\/)\//, '').split('/').slice(-2).join('/');
