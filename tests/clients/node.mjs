// usage: node node.mjs ADDRESS. Prints one JSON object.
import xhr2 from 'xhr2'

globalThis.XMLHttpRequest = xhr2
const { everything } = await import('./clients.mjs')
console.log(JSON.stringify(await everything(process.argv[2])))
process.exit(0)
