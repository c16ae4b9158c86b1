package triplette

import java.util.PriorityQueue

/**
 * Text to token ids from the bundle's `tokenizer.model`, in plain Kotlin: no native library, no Android class.
 *
 * The file says of which form it is: a Unigram model is cut by [TripletteUnigram], a byte-level one by [TripletteByteLevel], WordPiece by
 * [TripletteWordPiece]. SentencePiece byte-pair encoding is here: the text is cut at user-defined pieces, each rest starts as single characters,
 * and the adjacent pair whose union is the best-scored piece is merged until none is left. What is in no piece becomes its UTF-8 bytes.
 *
 * `before`, `after` and `specials` come from `spec.json`. The golden file holds ids to test against.
 */
class TripletteTokenizer(
    model: ByteArray,
    private val before: IntArray,
    private val after: IntArray,
    private val specials: Map<String, Int>,
    private val stripping: Set<String> = emptySet() // specials that take the spaces before them with them
) {
    private val ids = HashMap<String, Int>()
    private val scores = HashMap<String, Float>()
    private val userDefined: Map<Char, List<String>>
    private val specialNames = byFirst(specials.keys)
    private val bytes = IntArray(256)
    private var unknown = 0
    private var modelType = UNIGRAM
    private var table = ByteArray(0)
    private var dummyPrefix = true
    private val unigram: TripletteUnigram?
    private val byteLevel = if (TripletteByteLevel.isOne(model)) TripletteByteLevel(model) else null
    private val wordPiece = if (TripletteWordPiece.isOne(model)) TripletteWordPiece(model) else null

    init {
        val defined = ArrayList<String>()
        val isSentencePiece = byteLevel == null && wordPiece == null
        if (isSentencePiece) readModel(model, defined)
        userDefined = byFirst(defined)
        unigram = if (isSentencePiece && modelType == UNIGRAM) TripletteUnigram(ids, scores, unknown, table, dummyPrefix) else null
    }

    /** The ids of a formatted text with the ids around it, at most `limit` in all: the text is cut, the ids around it stay. */
    fun encode(text: String, limit: Int): IntArray {
        require(!hasHalfPair(text)) { "the text has half a surrogate pair, which is no character" }
        val inner = cutAtSpecials(text)
        val room = minOf(inner.size, limit - before.size - after.size)
        return before + inner.subList(0, room).toIntArray() + after
    }

    private fun hasHalfPair(text: String): Boolean = text.isNotEmpty() && (
        text[0].isLowSurrogate() || text.indices.any {
            text[it].isHighSurrogate() != (it + 1 < text.length && text[it + 1].isLowSurrogate())
        })

    private fun cutAtSpecials(text: String): List<Int> {
        val found = ArrayList<Int>()
        var start = 0
        var at = 0
        while (at < text.length) {
            if (stripping.isNotEmpty() && text[at] in WHITE_SPACE && (at == start || text[at - 1] !in WHITE_SPACE)) {
                // a run of spaces before such a token is the token's, before any other may take it
                var behind = at
                while (behind < text.length && text[behind] in WHITE_SPACE) behind++
                if (stripping.any { text.startsWith(it, behind) }) at = behind
            }
            val name = specialNames[text[at]]?.firstOrNull { text.startsWith(it, at) }
            if (name == null) {
                at++
                continue
            }
            val before = text.substring(start, at)
            found += pieces(if (name in stripping) before.trimEnd { it in WHITE_SPACE } else before)
            found += specials.getValue(name)
            at += name.length
            start = at
        }
        found += pieces(text.substring(start))
        return found
    }

    /** The ids of a text that holds no special token. */
    private fun pieces(text: String): List<Int> {
        if (byteLevel != null) return byteLevel.encode(text)
        if (wordPiece != null) return wordPiece.encode(text)
        if (unigram != null) return unigram.encode(text)
        val escaped = text.replace(' ', SPACE)
        val found = ArrayList<Int>()
        var start = 0
        var at = 0
        while (at < escaped.length) {
            val piece = userDefined[escaped[at]]?.firstOrNull { escaped.startsWith(it, at) }
            if (piece == null) {
                at += Character.charCount(escaped.codePointAt(at))
                continue
            }
            merge(escaped.substring(start, at), found)
            found += ids.getValue(piece)
            at += piece.length
            start = at
        }
        merge(escaped.substring(start), found)
        return found
    }

    private class Pair(val left: Int, val right: Int, val size: Int, val score: Float)

    private fun merge(text: String, found: MutableList<Int>) {
        if (text.isEmpty()) return
        val symbols = ArrayList<String>()
        var at = 0
        while (at < text.length) {
            val size = Character.charCount(text.codePointAt(at))
            symbols.add(text.substring(at, at + size))
            at += size
        }
        val next = IntArray(symbols.size) { it + 1 }
        val previous = IntArray(symbols.size) { it - 1 }
        // best score first, the leftmost of equals
        val queue = PriorityQueue<Pair>(Comparator { a, b -> if (a.score != b.score) b.score.compareTo(a.score) else a.left - b.left })

        fun offer(left: Int, right: Int) {
            if (left < 0 || right >= symbols.size) return
            val union = symbols[left] + symbols[right]
            scores[union]?.let { queue.add(Pair(left, right, union.length, it)) }
        }
        for (index in 0 until symbols.size - 1) offer(index, index + 1)
        while (queue.isNotEmpty()) {
            val best = queue.poll()
            val left = symbols[best.left]
            val right = symbols[best.right]
            // one of the two was merged with another neighbour since
            if (left.isEmpty() || right.isEmpty() || left.length + right.length != best.size) continue
            symbols[best.left] = left + right
            symbols[best.right] = ""
            next[best.left] = next[best.right]
            if (next[best.right] < symbols.size) previous[next[best.right]] = best.left
            offer(previous[best.left], best.left)
            offer(best.left, next[best.left])
        }
        for (symbol in symbols) {
            if (symbol.isEmpty()) continue
            val id = ids[symbol]
            if (id != null) found += id else symbol.toByteArray(Charsets.UTF_8).forEach { found += bytes[it.toInt() and 0xFF] }
        }
    }

    /**
     * A SentencePiece ModelProto: repeated field 1 of piece (1, text), score (2, float) and type (3, number); field 2, the trainer's
     * settings, whose field 3 is the model's type; field 3, the normaliser's table (2) and whether a space is put in front (3).
     */
    private fun readModel(model: ByteArray, defined: MutableList<String>) {
        val reader = Wire(model, 0, model.size)
        var id = 0
        while (reader.hasNext()) {
            val tag = reader.varint()
            if (tag == FIELD_TRAINER || tag == FIELD_NORMALIZER) {
                val settings = reader.message()
                while (settings.hasNext()) {
                    val field = settings.varint()
                    if (tag == FIELD_TRAINER && field == 24) modelType = settings.varint()
                    else if (tag == FIELD_NORMALIZER && field == 18) table = settings.bytes()
                    else if (tag == FIELD_NORMALIZER && field == 24) dummyPrefix = settings.varint() != 0
                    else settings.skip(field and 7)
                }
                continue
            }
            if (tag != FIELD_PIECES) {
                reader.skip(tag and 7)
                continue
            }
            val piece = reader.message()
            var text = ""
            var score = 0f
            var type = NORMAL
            while (piece.hasNext()) {
                when (val field = piece.varint()) {
                    10 -> text = piece.text()
                    21 -> score = piece.float()
                    24 -> type = piece.varint()
                    else -> piece.skip(field and 7)
                }
            }
            keep(id++, text, score, type, defined)
        }
    }

    private fun keep(id: Int, text: String, score: Float, type: Int, defined: MutableList<String>) {
        when (type) {
            NORMAL -> {
                ids[text] = id
                scores[text] = score
            }
            USER_DEFINED -> {
                ids[text] = id
                defined.add(text)
            }
            UNKNOWN -> unknown = id
            BYTE -> bytes[text.substring(3, 5).toInt(16)] = id
        }
    }

    /** A protocol buffer's bytes. */
    private class Wire(private val data: ByteArray, private var at: Int, private val end: Int) {
        fun hasNext() = at < end

        fun varint(): Int {
            var value = 0L
            var shift = 0
            while (true) {
                val byte = data[at++].toInt()
                value = value or ((byte and 0x7F).toLong() shl shift)
                if (byte >= 0) return value.toInt()
                shift += 7
            }
        }

        fun message(): Wire {
            val size = varint()
            at += size
            return Wire(data, at - size, at)
        }

        fun bytes(): ByteArray {
            val size = varint()
            at += size
            return data.copyOfRange(at - size, at)
        }

        fun text(): String = String(bytes(), Charsets.UTF_8)

        fun float(): Float {
            var bits = 0
            for (index in 3 downTo 0) bits = (bits shl 8) or (data[at + index].toInt() and 0xFF)
            at += 4
            return java.lang.Float.intBitsToFloat(bits)
        }

        fun skip(wireType: Int) {
            when (wireType) {
                0 -> varint()
                1 -> at += 8
                2 -> message()
                5 -> at += 4
                else -> throw IllegalArgumentException("not a SentencePiece model")
            }
        }
    }

    private companion object {
        /** Names by their first character, the longest first: a text is looked up once a character. */
        fun byFirst(names: Collection<String>) = names.sortedByDescending { it.length }.groupBy { it[0] }

        const val WHITE_SPACE = "\t\n\u000b\u000c\r\u0085 \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
        const val SPACE = '\u2581'
        const val FIELD_PIECES = 10
        const val FIELD_TRAINER = 18
        const val FIELD_NORMALIZER = 26
        const val UNIGRAM = 1
        const val NORMAL = 1
        const val UNKNOWN = 2
        const val USER_DEFINED = 4
        const val BYTE = 6
    }
}
