import dayjs from 'dayjs';
import relativeTime from 'dayjs/plugin/relativeTime.js';
import updateLocale from 'dayjs/plugin/updateLocale.js';
import utcPlugin from 'dayjs/plugin/utc.js';

/**
 * dayjs for people, in UTC only: its arithmetic in other zones is an hour off across changes of the clock. What is local
 * to a user comes from the database.
 */

dayjs.extend(utcPlugin);
dayjs.extend(updateLocale);
/** Rounded down: nobody is promised a reset too early. From two of a unit on it is told in that unit: "36 hours". */
dayjs.extend(relativeTime, {
  rounding: Math.floor,
  thresholds: [
    { l: 's', r: 59, d: 'second' },
    { l: 'm', r: 1 },
    { l: 'mm', r: 119, d: 'minute' },
    { l: 'h', r: 1 },
    { l: 'hh', r: 47, d: 'hour' },
    { l: 'd', r: 1 },
    { l: 'dd', d: 'day' },
  ],
});
dayjs.updateLocale('en', {
  relativeTime: {
    future: 'in %s',
    past: '%s ago',
    s: 'a moment',
    m: '1 minute',
    mm: '%d minutes',
    h: '1 hour',
    hh: '%d hours',
    d: '1 day',
    dd: '%d days',
  },
});

export const { utc } = dayjs;
