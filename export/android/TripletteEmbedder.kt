package triplette

import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import com.google.ai.edge.litert.TensorBuffer
import com.google.ai.edge.localagents.rag.models.EmbedData
import com.google.ai.edge.localagents.rag.models.Embedder
import com.google.ai.edge.localagents.rag.models.EmbeddingRequest
import com.google.common.collect.ImmutableList
import com.google.common.util.concurrent.ListenableFuture
import com.google.common.util.concurrent.MoreExecutors
import java.io.File
import java.util.concurrent.Callable
import java.util.concurrent.Executors
import org.json.JSONArray
import org.json.JSONObject

/**
 * An `Embedder<String>` for the AI Edge RAG SDK over a Triplette bundle.
 *
 * Prefixes, truncation and dimension come from `contract.json`, signatures and special ids from `spec.json`: nothing about the model is
 * written here. A text with `isQuery`, or with the task RETRIEVAL_QUERY or QUESTION_ANSWERING, is a question; any other is a passage,
 * whose title is read from the metadata key "title".
 *
 * `cacheDir` (such as `context.cacheDir`) holds XNNPACK's packed weights. Without it every signature packs its own copy: at full size
 * about 500 MB of memory instead of 210. Delete the cache when the bundle changes; its name holds the model's size for that.
 */
class TripletteEmbedder(
    private val folder: File,
    cacheDir: File,
    dimension: Int? = null,
    private val threads: Int = 4
) : Embedder<String>, AutoCloseable {
    private class Signature(val name: String, val file: String, val length: Int)

    private val contract = read("contract.json")
    private val spec = read("spec.json")
    private val tokens = spec.getJSONObject("tokenizer")
    private val cache = File(cacheDir, "triplette-xnnpack").apply { mkdirs() }
    private val signatures = List(spec.getJSONArray("signatures").length()) { index ->
        val item = spec.getJSONArray("signatures").getJSONObject(index)
        Signature(item.getString("name"), item.getString("file"), item.getInt("length"))
    }.sortedBy { it.length }
    private val tokenizer = TripletteTokenizer(
        File(folder, "tokenizer.model").readBytes(),
        ints(tokens.getJSONArray("before")),
        ints(tokens.getJSONArray("after")),
        tokens.getJSONObject("specials").let { names -> names.keys().asSequence().associateWith { names.getInt(it) } },
        tokens.getJSONArray("stripping").let { names -> List(names.length()) { names.getString(it) }.toSet() }
    )
    private val models = HashMap<String, CompiledModel>()

    // one thread: a compiled model must not run twice at once
    private val executor = MoreExecutors.listeningDecorator(Executors.newSingleThreadExecutor())

    /** The length of the vectors: one of the contract's dimensions. */
    val dimension: Int = (dimension ?: ints(contract.getJSONArray("dimensions")).first()).also { wanted ->
        require(wanted in ints(spec.getJSONArray("dimensions"))) { "the bundle gives no vectors of $wanted numbers" }
    }

    override fun getEmbeddings(request: EmbeddingRequest<String>): ListenableFuture<ImmutableList<Float>> =
        executor.submit(Callable { ImmutableList.copyOf(embed(request.getEmbedData().first()).asIterable()) })

    override fun getBatchEmbeddings(request: EmbeddingRequest<String>): ListenableFuture<ImmutableList<ImmutableList<Float>>> =
        executor.submit(
            Callable { ImmutableList.copyOf(request.getEmbedData().map { ImmutableList.copyOf(embed(it).asIterable()) }) }
        )

    /** The token ids of a text as the contract wants them; compare with `golden.json` in a unit test. */
    fun ids(text: String, isQuery: Boolean, title: String = ""): IntArray {
        val prefix = contract.getString(if (isQuery) "query_prefix" else "document_prefix")
        val heading = if (title.isEmpty()) contract.getString("no_title") else title + contract.getString("title_end")
        val named = if (isQuery) prefix else prefix.replace("{title}", heading)
        return tokenizer.encode(named + text, minOf(contract.getInt("max_tokens"), signatures.last().length))
    }

    /** The vector of token ids, of length 1. Call it from one thread. */
    fun vector(ids: IntArray): FloatArray {
        val signature = signatures.first { it.length >= ids.size }
        val model = models.getOrPut(signature.file) { open(File(folder, signature.file)) }
        val padded = IntArray(signature.length) { if (it < ids.size) ids[it] else tokens.getInt("pad") }
        val mask = IntArray(signature.length) { if (it < ids.size) 1 else 0 }
        // by name: the runtime lists inputs alphabetically, attention_mask before tokens
        val inputs = mapOf("tokens" to padded, "attention_mask" to mask).mapValues { (name, values) ->
            model.createInputBuffer(name, signature.name).apply { writeInt(values) }
        }
        val names = ints(spec.getJSONArray("dimensions")).map { "embedding_$it" }
        val outputs: Map<String, TensorBuffer> = names.associateWith { model.createOutputBuffer(it, signature.name) }
        try {
            model.run(inputs, outputs, signature.name)
            val vector = outputs.getValue("embedding_$dimension").readFloat()
            val length = Math.sqrt(vector.fold(0.0) { sum, x -> sum + x * x })
            // kernels that do not know the weights' format return zeros without an error
            check(Math.abs(length - 1.0) < 1e-2) { "the model returned a vector of length $length" }
            return vector
        } finally {
            (inputs.values + outputs.values).forEach { it.close() }
        }
    }

    private fun embed(data: EmbedData<String>): FloatArray {
        val task = data.getTask()
        val isQuery = data.getIsQuery() || task == EmbedData.TaskType.RETRIEVAL_QUERY || task == EmbedData.TaskType.QUESTION_ANSWERING
        val title = data.getMetadata()["title"] as? String ?: ""
        return vector(ids(data.getData(), isQuery, title))
    }

    private fun open(file: File): CompiledModel {
        val options = CompiledModel.Options(Accelerator.CPU)
        options.cpuOptions = CompiledModel.CpuOptions(
            numThreads = threads,
            xnnPackWeightCachePath = File(cache, "${file.nameWithoutExtension}-${file.length()}.cache").path
        )
        return CompiledModel.create(file.path, options)
    }

    override fun close() {
        executor.shutdown()
        models.values.forEach { it.close() }
        models.clear()
    }

    private fun read(name: String) = JSONObject(File(folder, name).readText())

    private fun ints(values: JSONArray) = IntArray(values.length()) { values.getInt(it) }
}
