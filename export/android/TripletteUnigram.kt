package triplette

/**
 * SentencePiece's Unigram model in plain Kotlin: normalisation by the model's own table, then the most likely cut into pieces.
 *
 * The table is a double-array trie over UTF-8 (Aoe 1989, in the form of darts-clone): the longest match at a place is replaced. The cut is
 * Viterbi's over the pieces' log-probabilities (Kudo 2018). A character that is in no piece costs ten more than the least likely piece,
 * and runs of them are one unknown id, as in SentencePiece.
 */
class TripletteUnigram(
    private val ids: Map<String, Int>,
    private val scores: Map<String, Float>,
    private val unknown: Int,
    table: ByteArray,
    private val dummyPrefix: Boolean
) {
    private val units: IntArray
    private val replacements: ByteArray
    private val longest = ids.keys.map { it.length }.max() ?: 0
    private val unknownScore = (scores.values.min() ?: 0f) - UNKNOWN_PENALTY

    init {
        val size = if (table.isEmpty()) 0 else int(table, 0)
        units = IntArray(size / 4) { int(table, 4 + 4 * it) }
        replacements = table.copyOfRange(minOf(table.size, 4 + size), table.size)
    }

    /** The ids of a text that holds no special token. */
    fun encode(text: String): List<Int> = cut(normalise(text))

    private fun normalise(text: String): String {
        val bytes = text.toByteArray(Charsets.UTF_8)
        val out = StringBuilder()
        var at = 0
        var afterSpace = true // leading spaces go, and runs become one
        while (at < bytes.size) {
            val found = match(bytes, at)
            val part: String
            if (found != null) {
                part = found.second
                at += found.first
            } else {
                val size = characterSize(bytes[at])
                part = String(bytes, at, minOf(size, bytes.size - at), Charsets.UTF_8)
                at += size
            }
            val kept = if (afterSpace) part.trimStart(' ') else part
            if (kept.isEmpty()) continue
            if (out.isEmpty() && dummyPrefix) out.append(SPACE)
            out.append(kept.replace(' ', SPACE))
            afterSpace = kept.endsWith(' ')
        }
        var end = out.length
        while (end > 0 && out[end - 1] == SPACE) end--
        return out.substring(0, end)
    }

    /** The longest entry of the table at a place: how many bytes it covers and what replaces them. */
    private fun match(bytes: ByteArray, from: Int): Pair<Int, String>? {
        if (units.isEmpty()) return null
        var node = offset(units[0])
        var length = 0
        var value = -1
        for (at in from until bytes.size) {
            val byte = bytes[at].toInt() and 0xFF
            node = node xor byte
            if (node >= units.size) break
            val unit = units[node]
            if ((unit and LABEL) != byte) break
            node = node xor offset(unit)
            if ((unit ushr 8) and 1 == 1) {
                length = at - from + 1
                value = units[node] and VALUE
            }
        }
        if (value < 0) return null
        var end = value
        while (replacements[end] != 0.toByte()) end++
        return Pair(length, String(replacements, value, end - value, Charsets.UTF_8))
    }

    private fun cut(text: String): List<Int> {
        val best = FloatArray(text.length + 1)
        val start = IntArray(text.length + 1) { -1 }
        val piece = IntArray(text.length + 1)

        fun offer(from: Int, to: Int, id: Int, score: Float) {
            val total = best[from] + score
            if (start[to] < 0 || total > best[to]) {
                best[to] = total
                start[to] = from
                piece[to] = id
            }
        }
        var at = 0
        while (at < text.length) {
            val one = Character.charCount(text.codePointAt(at))
            var known = false
            for (to in at + 1..minOf(text.length, at + longest)) {
                val part = text.substring(at, to)
                val id = ids[part] ?: continue
                offer(at, to, id, scores.getValue(part))
                known = known || to == at + one
            }
            if (!known) offer(at, at + one, unknown, unknownScore)
            at += one
        }
        val found = ArrayList<Int>()
        at = text.length
        while (at > 0) {
            if (piece[at] != unknown || found.isEmpty() || found.last() != unknown) found.add(piece[at])
            at = start[at]
        }
        found.reverse()
        return found
    }

    private companion object {
        const val SPACE = '\u2581'
        const val UNKNOWN_PENALTY = 10f
        const val LABEL = 0x80000000.toInt() or 0xFF
        const val VALUE = 0x7FFFFFFF

        fun offset(unit: Int) = (unit ushr 10) shl ((unit and 0x200) ushr 6)

        fun int(data: ByteArray, at: Int): Int {
            var value = 0
            for (index in 3 downTo 0) value = (value shl 8) or (data[at + index].toInt() and 0xFF)
            return value
        }

        fun characterSize(first: Byte): Int {
            val byte = first.toInt() and 0xFF
            return if (byte < 0x80) 1 else if (byte < 0xE0) 2 else if (byte < 0xF0) 3 else 4
        }
    }
}
