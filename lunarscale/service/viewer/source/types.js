/**
 * What the service sends, as far as the viewer reads it.
 *
 * @typedef {"nobody" | "read" | "run" | "admin"} Role
 *
 * @typedef {object} Caller
 * @property {Role} role
 * @property {string} name of their token; empty without one
 * @property {Record<string, number>} limits
 *
 * @typedef {object} Upload
 * @property {string} name
 * @property {number} bytes
 * @property {string} by
 * @property {Record<string, any>} holds what was found in it
 *
 * @typedef {object} Uploads
 * @property {Upload[]} models
 * @property {Upload[]} tables
 * @property {Upload[]} polygons
 *
 * @typedef {object} Layer
 * @property {string} name
 * @property {string | null} [quantity]
 * @property {string | null} [unit]
 * @property {string | null} [model]
 * @property {string | null} [remark]
 * @property {[number, number] | null} [range] to be shown with
 * @property {string | null} [uncertainty] name of another layer
 *
 * @typedef {object} Dataset
 * @property {string} name
 * @property {string} kind
 * @property {string | null} [title]
 * @property {boolean} simulated
 * @property {string} [version] another one after any change
 * @property {string | null} [camera]
 * @property {{width: number, height: number, pixel_deg: number, bounds: number[]}} grid
 * @property {Layer[]} layers
 * @property {number[]} levels
 * @property {{done: number, all: number}} [shards]
 *
 * @typedef {object} Reading one layer's value at a place
 * @property {string} layer
 * @property {number | null} value
 * @property {string | null} [unit]
 * @property {{lower: number, upper: number, meaning: string} | null} [uncertainty]
 * @property {string[]} [flags]
 * @property {string | null} [reason] why there is no value
 *
 * @typedef {object} PointAnswer
 * @property {number} lon
 * @property {number} lat
 * @property {number | null} [row]
 * @property {number | null} [col]
 * @property {Reading[]} values
 *
 * @typedef {object} Feature
 * @property {string} name
 * @property {string} kind
 * @property {number} lon
 * @property {number} lat
 * @property {number} diameter_km
 *
 * @typedef {object} Site a station where soil was collected
 * @property {string} name
 * @property {string} site the landing that it belongs to
 * @property {number | null} lon
 * @property {number | null} lat
 * @property {string | null} place_source
 * @property {Record<string, number>} measured
 * @property {Record<string, number | null>} predicted
 * @property {Record<string, {lower: number, upper: number}>} uncertainty
 * @property {Record<string, string>} reasons
 * @property {string} note
 *
 * @typedef {object} Legend
 * @property {string} layer
 * @property {string | null} [unit]
 * @property {string} palette
 * @property {number} min
 * @property {number} max
 * @property {string} attribution
 * @property {string[]} colours from the least value to the largest
 */
export {};
