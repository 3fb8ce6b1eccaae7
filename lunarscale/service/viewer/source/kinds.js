/** Kinds of named features that are shown in their own way. */

/** Dark plains, written as seas are. */
export const SEAS = ["mare", "oceanus", "lacus", "sinus", "palus"];

/** Long and narrow: a circle is nothing like them (lunarscale/gazetteer/kinds.py, LINEAR). */
export const NARROW = ["catena", "dorsum", "rima", "rupes", "vallis"];
