package programs;

import com.alibaba.dashscope.api.GeneralApi;
import com.alibaba.dashscope.audio.asr.recognition.Recognition;
import com.alibaba.dashscope.base.HalfDuplexParamBase;
import com.alibaba.dashscope.common.DashScopeResult;
import com.alibaba.dashscope.common.GeneralListParam;
import com.alibaba.dashscope.protocol.GeneralServiceOption;
import com.alibaba.dashscope.protocol.HttpMethod;
import com.alibaba.dashscope.protocol.Protocol;
import com.alibaba.dashscope.protocol.StreamingMode;
import com.alibaba.dashscope.utils.Constants;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.time.LocalTime;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Recognises a file as though it were spoken now: opens connections with a cheap request first, then sends a tenth of a
 * second of audio every tenth of a second.
 *
 * <p>Arguments: URL of the task protocol, base URL of the HTTP doors, wav file.
 */
public final class LocalFile {
  private static final int FRAME_BYTES = 3200;
  private static final int FRAME_MS = 100;

  public static void main(String[] arguments) throws InterruptedException {
    Constants.baseWebsocketApiUrl = arguments[0];
    Constants.baseHttpApiUrl = arguments[1];
    warmUp();
    ExecutorService worker = Executors.newSingleThreadExecutor();
    worker.submit(() -> recognise(Paths.get(arguments[2])));
    worker.shutdown();
    worker.awaitTermination(1, TimeUnit.MINUTES);
    System.exit(0);
  }

  /** Recognition goes on without it, only later. */
  private static void warmUp() {
    GeneralServiceOption option =
        GeneralServiceOption.builder()
            .protocol(Protocol.HTTP)
            .httpMethod(HttpMethod.GET)
            .streamingMode(StreamingMode.OUT)
            .path("assistants")
            .build();
    option.setBaseHttpUrl(Constants.baseHttpApiUrl);
    try {
      DashScopeResult answer =
          new GeneralApi<HalfDuplexParamBase>().get(GeneralListParam.builder().limit(1L).build(), option);
      System.out.println("warmed up: " + answer.getOutput());
    } catch (Exception error) {
      System.out.println("not warmed up: " + error.getMessage());
    }
  }

  private static void recognise(Path file) {
    Recognition recognition = new Recognition();
    String thread = Thread.currentThread().getName();
    try {
      recognition.call(Captions.param(), new Captions(LocalTime.now() + " [" + thread + "] "));
      System.out.println("input: " + file);
      byte[] bytes = Files.readAllBytes(file);
      for (int at = 0; at < bytes.length; at += FRAME_BYTES) {
        recognition.sendAudioFrame(ByteBuffer.wrap(bytes, at, Math.min(FRAME_BYTES, bytes.length - at)));
        Thread.sleep(FRAME_MS);
      }
      recognition.stop();
    } catch (Exception error) {
      error.printStackTrace();
    } finally {
      recognition.getDuplexApi().close(1000, "bye");
    }
    Captions.printMetrics(recognition);
  }
}
