package triplette

import java.text.Normalizer
import java.util.PriorityQueue

/**
 * Byte-level byte-pair encoding in plain Kotlin, from the bundle's text form (ModernBERT and Qwen).
 *
 * The text is put into NFC where the model does so and cut by the model's expression; the UTF-8 bytes of each cut are merged, the earliest
 * learned pair first, the leftmost of equals.
 */
class TripletteByteLevel(model: ByteArray) {
    private val composed: Boolean
    private val pattern: Regex
    private val bytes: IntArray
    private val merges = HashMap<Long, Long>() // left and right id to rank and merged id

    init {
        val lines = String(model, Charsets.UTF_8).split("\n")
        composed = lines[1] == "NFC"
        pattern = Regex(lines[2])
        bytes = lines[3].split(" ").map { it.toInt() }.toIntArray()
        for (rank in 0 until lines.size - 4) {
            val (left, right, merged) = lines[rank + 4].split(" ").map { it.toInt() }
            merges[pair(left, right)] = pair(rank, merged)
        }
    }

    /** The ids of a text that holds no special token. */
    fun encode(text: String): List<Int> {
        val form = if (composed) Normalizer.normalize(text, Normalizer.Form.NFC) else text
        val found = ArrayList<Int>()
        var start = 0
        for (match in pattern.findAll(form)) {
            merge(form.substring(start, match.range.first), found)
            merge(match.value, found)
            start = match.range.last + 1
        }
        merge(form.substring(start), found)
        return found
    }

    private class Offer(val rank: Int, val left: Int, val first: Int, val second: Int, val merged: Int)

    private fun merge(word: String, found: MutableList<Int>) {
        val raw = word.toByteArray(Charsets.UTF_8)
        val ids = IntArray(raw.size) { bytes[raw[it].toInt() and 0xff] }
        val next = IntArray(ids.size) { it + 1 }
        val previous = IntArray(ids.size) { it - 1 }
        val queue = PriorityQueue<Offer>(Comparator { a, b -> if (a.rank != b.rank) a.rank - b.rank else a.left - b.left })

        fun offer(left: Int) {
            if (left < 0 || next[left] >= ids.size) return
            val second = ids[next[left]]
            merges[pair(ids[left], second)]?.let { queue.add(Offer((it shr 32).toInt(), left, ids[left], second, it.toInt())) }
        }
        for (place in 0 until ids.size - 1) offer(place)
        while (queue.isNotEmpty()) {
            val best = queue.poll()
            val right = next[best.left]
            // one of the two was merged meanwhile
            if (ids[best.left] != best.first || right >= ids.size || ids[right] != best.second) continue
            ids[best.left] = best.merged
            ids[right] = -1
            next[best.left] = next[right]
            if (next[right] < ids.size) previous[next[right]] = best.left
            offer(previous[best.left])
            offer(best.left)
        }
        ids.filterTo(found) { it >= 0 }
    }

    private fun pair(high: Int, low: Int): Long = (high.toLong() shl 32) or low.toLong()

    companion object {
        private const val HEADER = "triplette byte-level BPE 1"

        /** Whether a `tokenizer.model` is of this form. */
        fun isOne(model: ByteArray): Boolean = model.size > HEADER.length && String(model, 0, HEADER.length, Charsets.UTF_8) == HEADER
    }
}
