package triplette

import java.text.Normalizer

/**
 * WordPiece in plain Kotlin, from the bundle's text form (MiniLM, LaBSE and other BERTs).
 *
 * What becomes of a character is read from the file: the Unicode tables of phones differ from those the model was trained with. Words between
 * spaces become the longest pieces that spell them from the left, or one unknown token.
 */
class TripletteWordPiece(model: ByteArray) {
    private val unknown: Int
    private val longest: Int
    private val prefix: String
    private val hangul: Boolean
    private val walls: Ranges
    private val dropped: Ranges
    private val spaces: Ranges
    private val alone: Ranges
    private val marks: Ranges
    private val orders: IntArray
    private val others = HashMap<Int, String>()
    private val ids = HashMap<String, Int>()

    init {
        val lines = String(model, Charsets.UTF_8).split("\n")
        val settings = lines[1].split(" ")
        unknown = settings[0].toInt()
        longest = settings[1].toInt()
        hangul = settings[2] == "1"
        prefix = settings[3]
        dropped = Ranges(items(lines[2]))
        walls = Ranges(items(lines[3]))
        spaces = Ranges(items(lines[4]))
        alone = Ranges(items(lines[5]))
        val ordered = items(lines[6])
        marks = Ranges(ordered.map { it.substringBefore('=') })
        orders = ordered.map { it.substringAfter('=').toInt() }.toIntArray()
        for (item in items(lines[7])) {
            val form = StringBuilder()
            item.substringAfter('=').split('+').forEach { form.appendCodePoint(it.toInt(16)) }
            others[item.substringBefore('=').toInt(16)] = form.toString()
        }
        for (id in 0 until lines.size - PIECES) if (lines[id + PIECES] != "") ids[lines[id + PIECES]] = id
    }

    /** The ids of a text that holds no special token. */
    fun encode(text: String): List<Int> {
        val found = ArrayList<Int>()
        for (word in normalised(text).split(' ')) if (word != "") cut(word, found)
        return found
    }

    /** The text as it is cut: words and single characters with spaces between. */
    private fun normalised(text: String): String {
        val done = StringBuilder()
        val waiting = ArrayList<Int>() // marks in a row, which are put in the order of their classes

        fun release() {
            waiting.sortedBy { orders[marks.find(it)] }.forEach { done.appendCodePoint(it) }
            waiting.clear()
        }
        points(text) { character ->
            points(form(character)) { one ->
                if (marks.find(one) >= 0) {
                    waiting.add(one)
                } else {
                    release()
                    done.appendCodePoint(one)
                }
            }
            if (waiting.isNotEmpty() && walls.find(character) >= 0) release()
        }
        release()
        return done.toString()
    }

    private fun form(character: Int): String {
        others[character]?.let { return it }
        val itself = String(Character.toChars(character))
        return when {
            spaces.find(character) >= 0 -> " "
            dropped.find(character) >= 0 || walls.find(character) >= 0 -> ""
            alone.find(character) >= 0 -> " $itself "
            // the syllables' decomposition is a rule, the same in every version of Unicode
            hangul && character in 0xAC00..0xD7A3 -> Normalizer.normalize(itself, Normalizer.Form.NFD)
            else -> itself
        }
    }

    /** The longest pieces from the left; one unknown token where a rest has none, or the word is too long. */
    private fun cut(word: String, found: MutableList<Int>) {
        val pieces = ArrayList<Int>()
        var start = if (word.codePointCount(0, word.length) > longest) -1 else 0
        while (start in 0 until word.length) {
            var end = word.length
            var id: Int? = null
            while (end > start) {
                id = ids[(if (start > 0) prefix else "") + word.substring(start, end)]
                if (id != null) break
                end -= Character.charCount(word.codePointBefore(end))
            }
            if (id == null) start = -1 else { pieces.add(id); start = end }
        }
        if (start < 0) found.add(unknown) else found.addAll(pieces)
    }

    /** Ranges of characters in ascending order, each written `first-last` in hexadecimal, or `first`. */
    private class Ranges(items: List<String>) {
        private val first = items.map { it.substringBefore('-').toInt(16) }.toIntArray()
        private val last = items.map { it.substringAfter('-').toInt(16) }.toIntArray()

        /** The place of the range that holds a character; negative where none does. */
        fun find(character: Int): Int {
            val place = first.binarySearch(character)
            val before = if (place >= 0) place else -place - 2
            return if (before >= 0 && character <= last[before]) before else -1
        }
    }

    private fun items(line: String) = line.split(" ").filter { it != "" }

    private inline fun points(text: String, act: (Int) -> Unit) {
        var at = 0
        while (at < text.length) {
            val character = text.codePointAt(at)
            act(character)
            at += Character.charCount(character)
        }
    }

    companion object {
        private const val HEADER = "triplette WordPiece 1"
        private const val PIECES = 8 // the line of the first piece

        /** Whether a `tokenizer.model` is of this form. */
        fun isOne(model: ByteArray): Boolean = model.size > HEADER.length && String(model, 0, HEADER.length, Charsets.UTF_8) == HEADER
    }
}
