// What codes mean, in words. A code that is not here is shown as it is, so a newer service stays readable.

export const DECISIONS = {
  approved: { kind: 'good', word: 'Approved', sentence: 'Everything that was checked speaks for this person.' },
  review: { kind: 'doubt', word: 'A person has to look', sentence: 'Something is doubtful. A human decides, not the machine.' },
  declined: { kind: 'bad', word: 'Declined', sentence: 'At least one check speaks against this person.' },
};

export const RESULTS = {
  pass: ['good', 'Pass'], clear: ['good', 'Clear'], review: ['doubt', 'Review'], fail: ['bad', 'Fail'], hit: ['bad', 'Hit'],
  not_evaluated: ['', 'Not checked'], match: ['good', 'Agrees'], mismatch: ['bad', 'Differs'],
};

export const SEVERITIES = { decline: ['bad', 'Declines'], review: ['doubt', 'Asks for a human'], info: ['', 'For information'] };

export const CHECKS = {
  face_match: 'Face and document', liveness: 'Live face', quality: 'Quality of pictures', document: 'Document', watchlist: 'Watchlists',
};

export const COMPONENTS = {
  inter_eye_distance: { name: 'the distance between the eyes', unit: ' pixels' },
  pose_yaw: { name: 'the turn of the head to a side', unit: '°' }, pose_pitch: { name: 'the nod of the head', unit: '°' },
};

const CODES = {
  face_mismatch: 'The face and the portrait are of two different people.',
  face_match_uncertain: 'The face and the portrait are alike, but not enough to be sure.',
  liveness_doubtful: 'The picture may show a print or a screen rather than a live face.',
  selfie_quality_low: 'The picture of the face is too small, or the head is turned too far.',
  document_quality_low: 'The portrait on the document is too small.',
  document_mrz_inconsistent: 'The machine-readable lines of the document contradict themselves.',
  document_expired: 'The document has expired.',
  document_date_impossible: 'A date on the document is not in the calendar.',
  document_state_unknown: 'The document names a state that there is not.',
  document_sides_differ: 'The machine-readable lines of the two sides say different things.',
  document_specimen: 'The document is a specimen: its state, Utopia, is made up.',
  expected_mismatch: 'The document says something else than what was expected.',
  watchlist_block_hit: 'The person is on a list of people who are turned away.',
  watchlist_alert_hit: 'The person is on a list of people to look out for.',
  watchlist_allow_hit: 'The person is on a list of people who are known.',
  watchlist_block_possible: 'Somebody on a list of people who are turned away looks similar.',
  watchlist_alert_possible: 'Somebody on a list of people to look out for looks similar.',
  // Why a challenge ended.
  replayed_frame: 'A picture was shown that had been shown before.',
  reordered_frame: 'The pictures did not come in their order.',
  still_image: 'The camera shows a still picture, not a face that moves.',
  foreign_face: 'Another face came into the picture.',
  no_motion: 'The face did not move as a head does.',
  slow_frames: 'The pictures came too slowly, as on a bad connection.',
  wrong_nonce: 'The pictures do not belong to this challenge.',
  too_many_frames: 'It took too many pictures.', clock_mismatch: 'The times of the pictures do not fit.',
  flat_image: 'The camera shows something flat, such as a print or a screen.', wrong_action: 'Something else was done than what was asked.',
  jump: 'The face moved from one place to another in no time.', several_faces: 'More than one face was in the picture.',
  // Faults of a machine-readable zone.
  check_digit_wrong: 'wrong check digit', unexpected_character: 'a character that cannot stand there', impossible_date: 'impossible date',
  unknown_state: 'unknown state', specimen_state: 'specimen', unknown_document_code: 'unknown kind of document', no_name: 'no name',
};

export const ACTIONS = {
  turn_left: 'Turn your head to your left', turn_right: 'Turn your head to your right', look_up: 'Look up',
  come_closer: 'Come closer', close_eyes: 'Close your eyes for a moment',
};

export const SHORT_ACTIONS = {
  turn_left: 'Turn left', turn_right: 'Turn right', look_up: 'Look up', come_closer: 'Come closer', close_eyes: 'Close eyes',
};

const HINTS = {
  ok: 'Good. Hold it', no_face: 'No face is in the picture', several_faces: 'Only one face, please',
  look_straight: 'Look straight into the camera', hold_still: 'Hold still', too_dark: 'It is too dark. Find some light',
  blurred: 'The picture is blurred. Hold still', ...ACTIONS,
};

export const KINDS = { block: 'Block: a hit declines', alert: 'Alert: a hit asks for a human', allow: 'Allow: a hit is only told' };

export const DUPLICATES = {
  report: 'Add them, and say so', reject: 'Refuse them', add_to_subject: 'Give the person a further face',
};

/** `some_code` as `Some code`. */
export function plain(code) {
  const text = String(code).replaceAll('_', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function reasonText(code) { return CODES[code] ?? plain(code); }

export function hintText(hint) { return HINTS[hint] ?? plain(hint); }

export function result(code) { return RESULTS[code] ?? ['', plain(code)]; }

/** How often strangers look this alike, as a share that people can picture. */
export function oneIn(fmr) {
  if (fmr <= 1e-9) return 'less than once in a billion';
  if (fmr >= 0.5) return 'more often than not';
  const count = 1 / fmr;
  const digits = 10 ** Math.max(0, Math.floor(Math.log10(count)) - 1);
  return `once in ${new Intl.NumberFormat('en').format(Math.round(count / digits) * digits)}`;
}

/** A share as a percentage of two digits. */
export function percent(share) {
  return share >= 0.995 ? 'over 99\u00a0%' : `${Number((100 * share).toPrecision(2))}\u00a0%`;
}

/** A similarity or score, with a real minus. */
export function number(value, digits = 3) {
  return Number(value).toFixed(digits).replace('-', '\u2212');
}

export function when(text) {
  return text ? new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(text)) : 'never';
}

/** The end of an id, where the whole of it is of no use to people. */
export function brief(id) { return `…${String(id).slice(-8)}`; }
