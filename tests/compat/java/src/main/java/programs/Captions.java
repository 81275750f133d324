package programs;

import com.alibaba.dashscope.audio.asr.recognition.Recognition;
import com.alibaba.dashscope.audio.asr.recognition.RecognitionParam;
import com.alibaba.dashscope.audio.asr.recognition.RecognitionResult;
import com.alibaba.dashscope.common.ResultCallback;

/** What the recognition programs have in common: they ask for the same, and print what they are told, line by line. */
final class Captions extends ResultCallback<RecognitionResult> {
  private final String prefix;

  Captions(String prefix) {
    this.prefix = prefix;
  }

  /** The key comes from the environment. The name is "wav" for a file's header and for bare samples alike. */
  static RecognitionParam param() {
    return RecognitionParam.builder()
        .model("fun-asr-realtime")
        .apiKey(System.getenv("DASHSCOPE_API_KEY"))
        .format("wav")
        .sampleRate(16000)
        .build();
  }

  static void printMetrics(Recognition recognition) {
    System.out.printf(
        "request %s, first package %d ms, last package %d ms%n",
        recognition.getLastRequestId(), recognition.getFirstPackageDelay(), recognition.getLastPackageDelay());
  }

  @Override
  public void onEvent(RecognitionResult result) {
    String kind = result.isSentenceEnd() ? "final" : "interim";
    System.out.printf("%s%s: %s%n", prefix, kind, result.getSentence().getText());
  }

  @Override
  public void onComplete() {
    System.out.println(prefix + "complete");
  }

  @Override
  public void onError(Exception error) {
    System.out.println(prefix + "error: " + error.getMessage());
  }
}
