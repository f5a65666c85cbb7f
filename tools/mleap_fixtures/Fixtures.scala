import java.io.File
import java.nio.file.{Files, Paths}

import ml.combust.bundle.{BundleFile, BundleWriter}
import ml.combust.bundle.serializer.SerializationFormat
import ml.combust.mleap.core.feature._
import ml.combust.mleap.core.types.{ScalarType, StructField, StructType}
import ml.combust.mleap.runtime.MleapContext
import ml.combust.mleap.runtime.frame.{DefaultLeapFrame, Row, Transformer => MleapTransformer}
import ml.combust.mleap.tensor.Tensor
import org.apache.spark.ml.{Pipeline, PipelineStage, Transformer}
import org.apache.spark.ml.bundle.SparkBundleContext
import org.apache.spark.ml.feature._
import org.apache.spark.ml.linalg.Vector
import org.apache.spark.ml.mleap.feature.{MathBinary, MathUnary, StringMap}
import org.apache.spark.sql.{DataFrame, Row => SparkRow, SparkSession, types => spark}
import spray.json._

import scala.util.{Failure, Success}

/** Writes bundles with real MLeap, and applies any bundle with its runtime.
  *
  *   Fixtures write FOLDER ROWS.json        fits pipelines with Spark, writes NAME.zip, NAME/ and,
  *                                          for what Spark and MLeap make of the rows, NAME.json
  *   Fixtures models FOLDER ROWS.json NAME...   the same (no NAME: all) of the pipelines in `models`, NAME.zip and
  *                                          NAME.json with Spark's answers alone
  *   Fixtures apply BUNDLE ROWS.json COLUMN...   prints what MLeap's runtime makes of the rows
  *
  * ROWS.json is {"columns": [{"name", "type": "number" or "text", "values": [...]}]}; null and
  * "NaN" are no number. (-0.0 has no place here: spray-json cannot tell it from 0.0.)
  */
object Fixtures {
  case class Column(name: String, text: Boolean, values: Seq[JsValue])

  def rows(path: String): Seq[Column] = {
    val json = new String(Files.readAllBytes(Paths.get(path)), "UTF-8").parseJson.asJsObject
    json.fields("columns").asInstanceOf[JsArray].elements.map(_.asJsObject.fields).map { column =>
      Column(column("name").asInstanceOf[JsString].value,
        column("type") == JsString("text"), column("values").asInstanceOf[JsArray].elements)
    }
  }

  def value(column: Column, i: Int): Any = column.values(i) match {
    case JsString(text) if column.text => text
    case JsNumber(number) => number.toDouble
    case _ => if (column.text) null else Double.NaN
  }

  def records(columns: Seq[Column]): Seq[Seq[Any]] =
    columns.head.values.indices.map(i => columns.map(value(_, i)))

  // ---- out again ----

  def number(value: Double): JsValue =
    if (value.isNaN) JsString("NaN")
    else if (value.isInfinity) JsString(if (value > 0) "Infinity" else "-Infinity")
    else JsNumber(value)

  def json(value: Any): JsValue = value match {
    case null => JsNull
    case text: String => JsString(text)
    case double: Double => number(double)
    case vector: Vector => JsArray(vector.toArray.map(number).toVector)
    case tensor: Tensor[_] =>
      JsArray(tensor.toDense.rawValues.map(v => number(v.asInstanceOf[Double])).toVector)
    case other => JsString(other.toString)
  }

  def table(names: Seq[String], records: Seq[Seq[Any]]): JsValue =
    JsArray(names.zipWithIndex.map { case (name, i) =>
      JsObject("name" -> JsString(name),
        "values" -> JsArray(records.map(record => json(record(i))).toVector))
    }.toVector)

  // ---- MLeap's runtime ----

  def load(path: String): MleapTransformer = {
    implicit val context: MleapContext = MleapContext.defaultContext
    val file = BundleFile(new File(path))
    try file.load[MleapContext, MleapTransformer]().get.root finally file.close()
  }

  def runtime(path: String, columns: Seq[Column], wanted: Seq[String]): Seq[(String, JsValue)] =
    scala.util.Try {
      val schema = StructType(columns.map(column => StructField(column.name,
        if (column.text) ScalarType.String else ScalarType.Double.nonNullable))).get
      val frame = DefaultLeapFrame(schema, records(columns).map(Row(_: _*)))
      val made = load(path).transform(frame).get.select(wanted: _*).get
      made.dataset.map(row => row.toSeq.toSeq)
    } match {
      case Success(made) => Seq("mleap" -> table(wanted, made))
      case Failure(error) => Seq("mleapError" -> JsString(error.toString.take(300)))
    }

  // ---- Spark ----

  def frame(session: SparkSession, columns: Seq[Column]): DataFrame = {
    val schema = spark.StructType(columns.map(column => spark.StructField(column.name,
      if (column.text) spark.StringType else spark.DoubleType)))
    val list = new java.util.ArrayList[SparkRow]()
    records(columns).foreach(record => list.add(SparkRow(record: _*)))
    session.createDataFrame(list, schema).coalesce(1)
  }

  def unary(name: String, in: String): MathUnary =
    new MathUnary(s"unary_$name", MathUnaryModel(UnaryOperation.forName(name)))
      .setInputCol(in).setOutputCol(s"u_$name")

  def binary(uid: String, operation: String, out: String, a: Option[String], b: Option[String],
             da: Option[Double] = None, db: Option[Double] = None): MathBinary = {
    val stage = new MathBinary(uid, MathBinaryModel(BinaryOperation.forName(operation), da, db))
      .setOutputCol(out)
    a.foreach(stage.setInputA)
    b.foreach(stage.setInputB)
    stage
  }

  def assemble(uid: String, out: String, in: String*): VectorAssembler =
    new VectorAssembler(uid).setInputCols(in.toArray).setOutputCol(out)

  def indexer(uid: String, in: String, out: String, invalid: String): StringIndexer =
    new StringIndexer(uid).setInputCol(in).setOutputCol(out).setHandleInvalid(invalid)

  /** Name, stages, wanted columns. */
  def pipelines: Seq[(String, Seq[PipelineStage], Seq[String])] = Seq(
    ("machine", Seq(
      indexer("type_index", "kind", "i", "keep"),
      new OneHotEncoder("type_hot").setInputCols(Array("i")).setOutputCols(Array("u")),
      binary("difference", "sub", "d", Some("x"), Some("y")),
      binary("less", "sub", "e", Some("d"), None, db = Some(8.6)),
      binary("nothing", "add", "f", Some("x"), None, db = Some(0.0)),
      new Bucketizer("buckets").setInputCol("x").setOutputCol("b")
        .setSplits(Array(Double.NegativeInfinity, 0.0, 2.5, Double.PositiveInfinity)),
      assemble("all", "features", "u", "x", "e", "f", "b")), Seq("u", "e", "b", "features")),
    ("scalers", Seq(
      assemble("v", "v", "x", "y", "same"),
      new StandardScaler("both").setInputCol("v").setOutputCol("s").setWithMean(true),
      new StandardScaler("std").setInputCol("v").setOutputCol("t"),
      new StandardScaler("mean").setInputCol("v").setOutputCol("r").setWithMean(true)
        .setWithStd(false),
      new MinMaxScaler("unit").setInputCol("v").setOutputCol("m"),
      new MinMaxScaler("wide").setInputCol("v").setOutputCol("n").setMin(-1.5).setMax(3.25)),
      Seq("s", "t", "r", "m", "n")),
    ("imputers", Seq(
      new org.apache.spark.ml.mleap.feature.Imputer("mean").setInputCol("gap").setOutputCol("g"),
      new org.apache.spark.ml.mleap.feature.Imputer("median").setInputCol("gap").setOutputCol("h")
        .setStrategy("median").setMissingValue(-1.0)), Seq("g", "h")),
    ("labels", Seq(
      indexer("text_index", "text", "i", "skip").setStringOrderType("alphabetDesc"),
      new IndexToString("back").setInputCol("i").setOutputCol("s"),
      new IndexToString("given").setInputCol("category").setOutputCol("t")
        .setLabels(Array("p", "", "r"))), Seq("i", "s", "t")),
    ("several", Seq(
      new StringIndexer("indices").setInputCols(Array("text", "kind"))
        .setOutputCols(Array("i", "j")).setHandleInvalid("keep"),
      new Bucketizer("halves").setInputCol("x").setOutputCol("b").setHandleInvalid("keep")
        .setSplits(Array(Double.NegativeInfinity, 0.0, Double.PositiveInfinity)),
      new OneHotEncoder("hot").setInputCols(Array("j", "b")).setOutputCols(Array("u", "w"))
        .setDropLast(false).setHandleInvalid("keep")), Seq("i", "j", "u", "w")),
    ("math",
      UnaryOperation.all.toSeq.map(_.name).sorted.map(unary(_, "positive")) ++
        BinaryOperation.all.toSeq.map(_.name).sorted
          .map(name => binary(s"binary_$name", name, s"b_$name", Some("x"), Some("positive"))) ++
        Seq(binary("left", "div", "l", None, Some("positive"), da = Some(1.5)),
          binary("zero", "max", "z", Some("x"), None, db = Some(0.0)),
          new StringMap("map", new StringMapModel(Map("L" -> 11000.0, "M" -> 12000.0),
            HandleInvalid.Keep, 13000.0)).setInputCol("kind").setOutputCol("limit")),
      UnaryOperation.all.toSeq.map(op => s"u_${op.name}").sorted ++
        BinaryOperation.all.toSeq.map(op => s"b_${op.name}").sorted ++ Seq("l", "z", "limit")))

  /** The same of what is exported after fitting on real rows; models come last. */
  def models: Seq[(String, Seq[PipelineStage], Seq[String])] = {
    import org.apache.spark.ml.classification._
    import org.apache.spark.ml.regression._
    val measures = Array("length", "diameter", "height", "whole", "shucked", "viscera", "shell")
    def hot = Seq(
      new StringIndexer("sex_index").setInputCol("sex").setOutputCol("i"),
      new OneHotEncoder("sex_hot").setInputCol("i").setOutputCol("u"))
    def features = Seq(
      new StringIndexer("sex_index").setInputCol("sex").setOutputCol("i"),
      new VectorAssembler("all").setInputCols("i" +: measures).setOutputCol("features"))
    /* Wide vectors, which Spark keeps sparse, and scaled but not shifted. */
    def wide = Seq("length", "whole", "shell").flatMap(name => Seq(
      new QuantileDiscretizer(s"${name}_buckets").setInputCol(name).setOutputCol(s"${name}_b")
        .setNumBuckets(12),
      new OneHotEncoder(s"${name}_hot").setInputCol(s"${name}_b").setOutputCol(s"${name}_h"))) ++ Seq(
      new VectorAssembler("wide").setInputCols(Array("length_h", "height", "whole_h", "shell_h",
        "shucked")).setOutputCol("w"),
      new StandardScaler("scaler").setInputCol("w").setOutputCol("features"))
    val classes = Seq("rawPrediction", "probability", "prediction")
    Seq(
      ("vectors", Seq(
        new VectorAssembler("all").setInputCols(measures).setOutputCol("v"),
        new VectorAssembler("three").setInputCols(measures.take(3)).setOutputCol("w"),
        new MaxAbsScaler("max_abs").setInputCol("v").setOutputCol("max_abs"),
        new Normalizer("norm_1").setInputCol("v").setOutputCol("norm_1").setP(1),
        new Normalizer("norm_2").setInputCol("v").setOutputCol("norm_2"),
        new Normalizer("norm_inf").setInputCol("v").setOutputCol("norm_inf")
          .setP(Double.PositiveInfinity),
        new ElementwiseProduct("product").setInputCol("w").setOutputCol("product")
          .setScalingVec(org.apache.spark.ml.linalg.Vectors.dense(0.5, -1.25, 0.0)),
        new PolynomialExpansion("squares").setInputCol("w").setOutputCol("squares"),
        new PolynomialExpansion("fourths").setInputCol("w").setOutputCol("fourths").setDegree(4),
        new VectorSlicer("slice").setInputCol("v").setOutputCol("slice")
          .setIndices(Array(5, 0)).setNames(Array("height")),
        new Binarizer("one").setInputCol("length").setOutputCol("one").setThreshold(0.5),
        new Binarizer("two").setInputCols(Array("diameter", "height"))
          .setOutputCols(Array("two_a", "two_b")).setThresholds(Array(0.4, 0.125)),
        new Binarizer("vector").setInputCol("v").setOutputCol("vector").setThreshold(0.2)),
        Seq("max_abs", "norm_1", "norm_2", "norm_inf", "product", "squares", "fourths", "slice",
          "one", "two_a", "two_b", "vector")),
      ("cubic", Seq(
        new VectorAssembler("three").setInputCols(measures.take(3)).setOutputCol("w"),
        new Normalizer("norm_3").setInputCol("w").setOutputCol("norm_3").setP(3)),
        Seq("norm_3")),
      ("selected", hot ++ Seq(
        new VectorAssembler("three").setInputCols(measures.take(3)).setOutputCol("w"),
        new Interaction("interaction").setInputCols(Array("i", "w", "length", "u"))
          .setOutputCol("interaction"),
        new QuantileDiscretizer("quantiles").setInputCol("whole").setOutputCol("q")
          .setNumBuckets(5),
        new ChiSqSelector("chi").setFeaturesCol("w").setLabelCol("rings").setOutputCol("chosen")
          .setNumTopFeatures(2)),
        Seq("interaction", "q", "chosen")),
      ("components", Seq(
        new VectorAssembler("all").setInputCols(measures).setOutputCol("v"),
        new PCA("pca").setInputCol("v").setOutputCol("pca").setK(3)), Seq("pca")),
      ("text", Seq(
        new Tokenizer("tokens").setInputCol("plane").setOutputCol("words"),
        new HashingTF("hash").setInputCol("words").setOutputCol("tf").setNumFeatures(50),
        new HashingTF("binary").setInputCol("words").setOutputCol("seen").setNumFeatures(16)
          .setBinary(true),
        new IDF("idf").setInputCol("tf").setOutputCol("idf").setMinDocFreq(2)),
        Seq("tf", "seen", "idf")),
      ("linear", features :+ new LinearRegression("linear").setLabelCol("rings"),
        Seq("prediction")),
      ("logistic", features :+ new LogisticRegression("logistic").setLabelCol("old")
        .setThreshold(0.4), classes),
      ("multinomial", features.map(_.copy(org.apache.spark.ml.param.ParamMap.empty)) :+
        new LogisticRegression("multinomial").setLabelCol("i").setMaxIter(20), classes),
      ("thresholds", features :+ new LogisticRegression("thresholds").setLabelCol("i")
        .setMaxIter(20).setThresholds(Array(0.2, 0.5, 0.3)), classes),
      ("words", Seq(
        new Tokenizer("tokens").setInputCol("plane").setOutputCol("words"),
        new HashingTF("hash").setInputCol("words").setOutputCol("tf").setNumFeatures(100),
        new IDF("idf").setInputCol("tf").setOutputCol("features"),
        new LogisticRegression("logistic").setLabelCol("old").setMaxIter(20)), classes),
      ("sparse", wide ++ Seq(
        new LogisticRegression("logistic").setLabelCol("old").setMaxIter(20)),
        classes),
      ("sparse_linear", wide ++ Seq(
        new LinearRegression("linear").setLabelCol("rings").setMaxIter(20).setRegParam(0.1)),
        Seq("prediction")),
      ("sparse_multinomial", wide ++ Seq(
        new StringIndexer("sex_index").setInputCol("sex").setOutputCol("i"),
        new LogisticRegression("logistic").setLabelCol("i").setMaxIter(20)), classes),
      ("tree_classifier", features :+ new DecisionTreeClassifier("tree").setLabelCol("old")
        .setMaxDepth(4), classes),
      ("tree_regression", features :+ new DecisionTreeRegressor("tree").setLabelCol("rings")
        .setMaxDepth(4), Seq("prediction")),
      ("forest_classifier", features :+ new RandomForestClassifier("forest").setLabelCol("i")
        .setNumTrees(5).setMaxDepth(4).setSeed(7).setThresholds(Array(0.3, 0.4, 0.3)), classes),
      ("forest_regression", features :+ new RandomForestRegressor("forest").setLabelCol("rings")
        .setNumTrees(5).setMaxDepth(4).setSeed(7), Seq("prediction")),
      ("gbt_classifier", features :+ new GBTClassifier("gbt").setLabelCol("old").setMaxIter(6)
        .setMaxDepth(3).setSeed(7), classes),
      ("gbt_regression", features :+ new GBTRegressor("gbt").setLabelCol("rings").setMaxIter(6)
        .setMaxDepth(3).setSeed(7), Seq("prediction")))
  }

  def writeModels(folder: String, path: String, names: Seq[String]): Unit = {
    val session = open()
    val data = frame(session, rows(path))
    models.filter(model => names.isEmpty || names.contains(model._1)).foreach { case (name, stages, wanted) =>
      val fitted = new Pipeline("fitted").setStages(stages.toArray).fit(data)
      val transformed = fitted.transform(data)
      save(fitted, s"$folder/$name.zip", name, transformed)
      val made = transformed.select(wanted.head, wanted.tail: _*).collect().map(_.toSeq).toSeq
      val expected = JsObject("wanted" -> JsArray(wanted.map(JsString(_)).toVector),
        "spark" -> table(wanted, made))
      Files.write(Paths.get(folder, s"$name.json"), (expected.compactPrint + "\n").getBytes("UTF-8"))
    }
    session.stop()
  }

  def open(): SparkSession = {
    val session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
      .config("spark.sql.shuffle.partitions", 1).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    session
  }

  def save(fitted: org.apache.spark.ml.PipelineModel, target: String, name: String,
           transformed: DataFrame): Unit = {
    val file = BundleFile(new File(target))
    try BundleWriter[SparkBundleContext, Transformer](fitted).name(name)
      .format(SerializationFormat.Json).save(file)(SparkBundleContext().withDataset(transformed)).get
    finally file.close()
  }

  def write(folder: String, path: String): Unit = {
    val session = open()
    val columns = rows(path)
    val data = frame(session, columns)
    pipelines.foreach { case (name, stages, wanted) =>
      val fitted = new Pipeline("fitted").setStages(stages.toArray).fit(data)
      val transformed = fitted.transform(data)
      Seq(s"$folder/$name.zip", s"$folder/$name")
        .foreach(target => save(fitted, target, name, transformed))
      val made = transformed.select(wanted.head, wanted.tail: _*).collect().map(_.toSeq).toSeq
      val expected = JsObject((Seq("wanted" -> JsArray(wanted.map(JsString(_)).toVector),
        "spark" -> table(wanted, made)) ++
        runtime(s"$folder/$name.zip", columns, wanted)).toMap)
      Files.write(Paths.get(folder, s"$name.json"), (expected.compactPrint + "\n").getBytes("UTF-8"))
    }
    // And one that the runtime itself writes.
    implicit val context: MleapContext = MleapContext.defaultContext
    val file = BundleFile(new File(s"$folder/runtime"))
    try BundleWriter[MleapContext, MleapTransformer](load(s"$folder/machine.zip")).name("runtime")
      .format(SerializationFormat.Json).save(file).get
    finally file.close()
    session.stop()
  }

  def main(arguments: Array[String]): Unit = arguments.toList match {
    case "write" :: folder :: path :: Nil => write(folder, path)
    case "models" :: folder :: path :: names => writeModels(folder, path, names)
    case "apply" :: bundle :: path :: wanted =>
      println(JsObject(runtime(bundle, rows(path), wanted).toMap).compactPrint)
    case _ => sys.error("usage: Fixtures write FOLDER ROWS | models FOLDER ROWS NAME... | apply BUNDLE ROWS COLUMN...")
  }
}
