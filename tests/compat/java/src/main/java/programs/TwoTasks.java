package programs;

import com.alibaba.dashscope.audio.asr.recognition.Recognition;
import com.alibaba.dashscope.utils.Constants;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Paths;

/**
 * Recognises a file twice with one object, which keeps its connection in between.
 *
 * <p>Arguments: URL of the task protocol, wav file.
 */
public final class TwoTasks {
  private static final int FRAME_BYTES = 3200;
  private static final int PAUSE_MS = 20;

  public static void main(String[] arguments) throws Exception {
    Constants.baseWebsocketApiUrl = arguments[0];
    byte[] bytes = Files.readAllBytes(Paths.get(arguments[1]));
    Recognition recognition = new Recognition();
    for (int task = 1; task <= 2; task++) {
      recognition.call(Captions.param(), new Captions(""));
      for (int at = 0; at < bytes.length; at += FRAME_BYTES) {
        recognition.sendAudioFrame(ByteBuffer.wrap(bytes, at, Math.min(FRAME_BYTES, bytes.length - at)));
        Thread.sleep(PAUSE_MS);
      }
      recognition.stop();
      Captions.printMetrics(recognition);
    }
    recognition.getDuplexApi().close(1000, "bye");
    System.exit(0);
  }
}
